import { startApp, type TestApp } from './support/app.js';

const BASE = '/api/v1/marketing';
const SEGMENT = { name: 'Friends', type: 'static' };
const CAMPAIGN = { name: 'Sale', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' };

describe('names', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const send = async (method: string, path: string, body: object) => {
    const response = await app.fetch(`${BASE}/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  /** Where a name can be written: how to send it, where a fault is told, where it is read back. */
  const PLACES: [what: string, method: string, path: string, body: (name: string) => object, pointer: string][] = [
    ['a segment', 'POST', 'segments', (name) => ({ ...SEGMENT, name }), '/name'],
    ['a campaign', 'POST', 'campaigns', (name) => ({ ...CAMPAIGN, name }), '/name'],
    ['the sender', 'PATCH', 'settings', (from_name) => ({ sender: { from_name } }), '/sender/from_name'],
    ['a first name', 'PUT', 'customers/ada', (first_name) => ({ first_name }), '/first_name'],
    ['a last name', 'PUT', 'customers/ada', (last_name) => ({ last_name }), '/last_name'],
    ['a city', 'PUT', 'customers/ada', (city) => ({ city }), '/city'],
    ['a tier', 'PUT', 'customers/ada', (loyalty_tier) => ({ loyalty_tier }), '/loyalty_tier'],
    ['a tag', 'PUT', 'customers/ada', (tag) => ({ tags: [tag] }), '/tags'],
  ];

  test.each(PLACES)('of %s are trimmed, and neither blank nor of several lines', async (_, method, path, body, pointer) => {
    const at = (name: string) => pointer.split('/').slice(1).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], body(name));
    const kept = await send(method, path, body('  Zoë Ö’Hara\u00a0 '));
    expect(kept.status).toBeLessThan(300);
    expect(pointer.split('/').slice(1).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], kept.body)).toEqual(at('Zoë Ö’Hara'));
    for (const bad of ['', '   ', '\t', '\u00a0\u2003', 'Ada\r\nBcc: eve@example.com', 'Ada\nX', 'a\u0007b', 'a\u0085b', 'a\u2028b']) {
      const { status, body: problem } = await send(method, path, body(bad));
      expect([bad, status, problem]).toMatchObject([bad, 400, { code: 'validation_failed', errors: expect.arrayContaining([expect.objectContaining({ pointer })]) }]);
    }
  });

  test('a change may not blank one, either', async () => {
    for (const [path, body] of [['segments', SEGMENT], ['campaigns', CAMPAIGN]] as const) {
      const { body: made } = await send('POST', path, body);
      expect(await send('PATCH', `${path}/${String(made.id)}`, { name: ' ' })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/name' }] } });
    }
  });

  test.each([
    ['subject', 'campaigns', 'POST', { ...CAMPAIGN, content: { subject: 'Hi\r\nBcc: eve@example.com', body: 'x' } }, '/content/subject'],
    ['subject by email', 'campaigns', 'POST', { ...CAMPAIGN, content: { email: { subject: 'Hi\rX' } } }, '/content/email/subject'],
    ['from_email', 'settings', 'PATCH', { sender: { from_email: '"a\r\nBcc: eve"@example.com' } }, '/sender/from_email'],
    ['reply_to', 'settings', 'PATCH', { sender: { reply_to: '"a\r\nBcc: eve"@example.com' } }, '/sender/reply_to'],
    ['postal_address', 'settings', 'PATCH', { sender: { postal_address: '  ' } }, '/sender/postal_address'],
    ['sms_from', 'settings', 'PATCH', { sender: { sms_from: '   ' } }, '/sender/sms_from'],
    ['an address', 'customers/eve', 'PUT', { email: '"a\r\nRCPT TO:<eve@example.com>"@example.com' }, '/email'],
  ])('%s begins no header of its own', async (_, path, method, body, pointer) => {
    expect(await send(method, path, body)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  test.each(['q', 'city', 'tag', 'loyalty_tier'])('customers are not sought by a blank %s', async (parameter) => {
    const response = await app.fetch(`${BASE}/customers?${parameter}=%20%20`);
    expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ parameter }] }]);
  });
});

import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

describe('settings', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('a tenant nobody has seen has the defaults', async () => {
    const { data, response } = await app.api().GET('/api/v1/marketing/settings');
    expect(data).toMatchObject({ timezone: 'UTC', currency: 'USD', max_segment_size: { email: 1_000_000, sms: 50_000, push: 500_000 } });
    expect(response.headers.get('etag')).toBe('"1"');
  });

  test('a patch changes what it names and nothing else', async () => {
    const { data } = await app.api().PATCH('/api/v1/marketing/settings', { body: { timezone: 'Europe/Berlin', sender: { from_name: 'Trattoria' } } });
    expect(data).toMatchObject({ timezone: 'Europe/Berlin', currency: 'USD', sender: { from_name: 'Trattoria', from_email: null } });
    const { data: kept } = await app.api().GET('/api/v1/marketing/settings');
    expect(kept).toEqual(data);
  });

  test('every fault is told at once, with its pointer', async () => {
    const response = await app.fetch('/api/v1/marketing/settings', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ timezone: 'Mars/Olympus', sender: { from_email: 'nobody', spam: 1 }, attribution: { window_days: 0 } }),
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch('application/problem+json');
    const problem = (await response.json()) as { code: string; errors: { pointer: string }[] };
    expect(problem.code).toBe('validation_failed');
    expect(problem.errors.map((error) => error.pointer).sort()).toEqual(['/attribution/window_days', '/sender/from_email', '/sender/spam', '/timezone']);
  });

  test('a zone by which PostgreSQL would begin days at another hour than Node, or not at all, is none', async () => {
    for (const timezone of ['+05:30', 'US/Pacific-New']) {
      const { error } = await app.api().PATCH('/api/v1/marketing/settings', { body: { timezone } });
      expect(error).toMatchObject({ code: 'validation_failed', status: 400, errors: [{ pointer: '/timezone', code: 'is_time_zone' }] });
    }
    for (const timezone of ['europe/berlin', 'EST5EDT', 'Asia/Kathmandu', 'UTC']) {
      expect((await app.api().PATCH('/api/v1/marketing/settings', { body: { timezone } })).response.status).toBe(200);
    }
  });

  test('a price of next to nothing is a slip; an address that many servers would refuse is no sender', async () => {
    const patch = (body: object) => app.api().PATCH('/api/v1/marketing/settings', { body: body as never });
    for (const price of [1e-320, 9e-7, -1, 1_000_001]) expect((await patch({ sms_price_per_segment: price })).error).toMatchObject({ status: 400, errors: [{ pointer: '/sms_price_per_segment' }] });
    for (const price of [1e-6, 0.0079, 0, null]) expect((await patch({ sms_price_per_segment: price })).data).toMatchObject({ sms_price_per_segment: price });
    for (const member of ['from_email', 'reply_to']) {
      for (const address of ['ü@münchen.de', 'a@b.de\r\nBcc: c@d.de']) expect((await patch({ sender: { [member]: address } })).error!.errors![0]).toMatchObject({ pointer: `/sender/${member}`, code: address.startsWith('ü') ? 'matches' : expect.any(String) as unknown });
      for (const address of ['gruss@münchen.de', "o'neil+x@example.com", null]) expect((await patch({ sender: { [member]: address } })).data!.sender).toMatchObject({ [member]: address });
    }
  });

  test('a body that cannot be read says so among its errors', async () => {
    for (const [body, code] of [['{"timezone":', 'not_json'], [Buffer.from([0x22, 0xff, 0x22]), 'not_utf8']] as const) {
      const response = await app.fetch('/api/v1/marketing/settings', { method: 'PATCH', headers: { 'content-type': 'application/json' }, body });
      expect([response.status, await response.json()]).toMatchObject([400, { code: 'validation_failed', errors: [{ pointer: '', code, detail: expect.stringContaining('The body is not') as unknown }] }]);
    }
  });

  test('a change based on an older version is refused', async () => {
    const tenant = newTenant();
    const patch = (timezone: string) => app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { params: { header: { 'If-Match': '"1"' } }, body: { timezone } });
    expect((await patch('Europe/Paris')).response.status).toBe(200);
    expect((await patch('Europe/Rome')).error).toMatchObject({ code: 'version_conflict', status: 412 });
  });

  test('a marketer may read but not change them', async () => {
    const { error } = await app.api(['marketing']).PATCH('/api/v1/marketing/settings', { body: { timezone: 'UTC' } });
    expect(error).toMatchObject({ code: 'forbidden', status: 403 });
  });
});

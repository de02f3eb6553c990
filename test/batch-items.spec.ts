import { startApp, type TestApp } from './support/app.js';
import { newTenant, token } from './support/tokens.js';

/** What keeps any other body out as a whole, as it comes over the wire in place of a member, and the fault. */
const UNSTORABLE = [
  ['"city":"a\\u0000b"', 'city', 'null_character'],
  ['"a\\u0000b":1', 'a\ufffdb', 'forbidden_key'],
  ['"__proto__":{"polluted":true}', '__proto__', 'forbidden_key'],
  ['"\\u005f_proto__":{"polluted":true}', '__proto__', 'forbidden_key'],
  ['"constructor":{"prototype":{"polluted":true}}', 'constructor', 'forbidden_key'],
  ['"city":"\\ud800"', 'city', 'lone_surrogate'],
  ['"loyalty_points":1e400', 'loyalty_points', 'out_of_range'],
] as const;

describe('an item of a batch that nobody could keep', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const send = async (path: string, tenant: string, body: string, key?: string) => {
    const response = await app.fetch(`/api/v1/marketing/${path}`, { method: 'POST', token: token(tenant), headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) }, body });
    return { status: response.status, replayed: response.headers.get('idempotency-replayed'), body: (await response.json()) as object };
  };

  test.each(UNSTORABLE)('among customers %s is its own fault', async (member, name, code) => {
    const tenant = newTenant();
    const body = `{"customers":[{"customer_id":"a","city":"Rome"},{"customer_id":"b",${member}},{"customer_id":"c"}]}`;
    const first = await send('customers/batch', tenant, body, 'key');
    expect(first).toMatchObject({
      status: 200,
      body: { created: 2, updated: 0, rejected: 1, results: [{ customer_id: 'a', status: 'created' }, { index: 1, customer_id: 'b', status: 'rejected', errors: [{ pointer: `/customers/1/${name}`, code }] }, { customer_id: 'c', status: 'created' }] },
    });
    expect(await send('customers/batch', tenant, body, 'key')).toEqual({ ...first, replayed: 'true' });
    expect(await send('customers/batch', tenant, body.replace('"b"', '"d"'), 'key')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers', {});
    expect(data!.data.map((one) => one.customer_id)).toEqual(['c', 'a']);
  });

  test('whom an item names is told when that can be', async () => {
    const { body } = await send('customers/batch', newTenant(), '{"customers":[{"customer_id":"a\\u0000"},{"customer_id":7,"city":"\\u0000"},"\\u0000",{"city":"\\u0000","customer_id":"d"}]}');
    expect(body).toMatchObject({ rejected: 4, results: [null, null, null, 'd'].map((customer_id, index) => ({ index, customer_id })) });
  });

  test.each(UNSTORABLE)('among events %s is its own fault', async (member, name, code) => {
    const event = (id: string, properties = ''): string => `{"id":"${id}","type":"menu_viewed","customer_id":"guest","occurred_at":"2026-01-05T10:00:00Z","properties":{${properties}}}`;
    const { status, body } = await send('events', newTenant(), `{"events":[${event('1')},${event('2', member)},${event('3', '"source":"qr"')}]}`, 'key');
    expect([status, body]).toEqual([202, { accepted: 2, duplicates: 0, rejected: [{ index: 1, code, detail: expect.any(String), pointer: `/events/1/properties/${name}` }] }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('beside them the body is one, and refused as a whole', async () => {
    const tenant = newTenant();
    for (const body of ['{"customers":[{"customer_id":"a"}],"__proto__":{}}', '{"customers":[{"customer_id":"a"}],"note":"\\u0000"}', '{"customers":{"customer_id":"\\u0000"}}', `{"customers":[${'{"customer_id":"\\u0000"},'.repeat(1001)}{}]}`]) {
      expect(await send('customers/batch', tenant, body)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
  });
});

import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/customers/{customer_id}';

describe('customers', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const put = (customer_id: string, body: object, tenant?: string) => app.api(['marketing'], tenant).PUT(PATH, { params: { path: { customer_id } }, body });
  const get = (customer_id: string, tenant?: string) => app.api(['marketing'], tenant).GET(PATH, { params: { path: { customer_id } } });

  test('a put creates, then changes what it names; null clears', async () => {
    const created = await put('ada', { email: ' Ada@Example.COM ', phone: '+1 (415) 555-2671', first_name: 'Ada', city: 'London', tags: ['vip', 'vip'], attributes: { visits: 3, dish: 'soup' } });
    expect(created.response.status).toBe(201);
    expect(created.response.headers.get('location')).toBe('/api/v1/marketing/customers/ada');
    expect(created.response.headers.get('etag')).toBe('"1"');
    expect(created.data).toMatchObject({ customer_id: 'ada', email: 'ada@example.com', phone: '+14155552671', tags: ['vip'], order_count: 0, total_spent: 0, average_order_value: 0, first_order_at: null });
    const changed = await put('ada', { city: null, last_name: 'Lovelace', attributes: { dish: null, table: '7' } });
    expect(changed.response.status).toBe(200);
    expect(changed.data).toMatchObject({ first_name: 'Ada', last_name: 'Lovelace', city: null, email: 'ada@example.com', attributes: { visits: 3, table: '7' } });
    const { data, response } = await get('ada');
    expect(data).toEqual(changed.data);
    expect(response.headers.get('etag')).toBe('"2"');
  });

  test('a put that changes nothing keeps the version; one based on an older version is refused', async () => {
    await put('still', { city: 'Rome' });
    expect((await put('still', { city: 'Rome' })).response.headers.get('etag')).toBe('"1"');
    const stale = await app.api().PUT(PATH, { params: { path: { customer_id: 'still' }, header: { 'If-Match': '"9"' } }, body: { city: 'Milan' } });
    expect(stale.error).toMatchObject({ code: 'version_conflict' });
  });

  test('every fault is told with its pointer, and nothing is written', async () => {
    const response = await app.fetch('/api/v1/marketing/customers/bad', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'nobody', phone: '12', birthday: '2026-02-30', timezone: 'Mars/One', tags: [1], attributes: { 'a.b': 1 }, consents: { email: { status: 'maybe' } }, spam: 1 }),
    });
    const problem = (await response.json()) as { code: string; errors: { pointer: string }[] };
    expect(problem.code).toBe('validation_failed');
    expect([...new Set(problem.errors.map((error) => error.pointer))].sort()).toEqual(['/attributes', '/birthday', '/consents/email/status', '/email', '/phone', '/spam', '/tags', '/timezone']);
    expect((await get('bad')).error).toMatchObject({ code: 'customer_not_found', status: 404 });
  });

  test('a packed body is refused as such, not as bad JSON or CSV', async () => {
    for (const [path, type] of [['customers/packed', 'application/json'], ['customers/import', 'text/csv']] as const) {
      const response = await app.fetch(`/api/v1/marketing/${path}`, { method: type === 'text/csv' ? 'POST' : 'PUT', headers: { 'content-type': type, 'content-encoding': 'gzip' }, body: '{}' });
      expect([response.status, await response.json()]).toEqual([415, expect.objectContaining({ code: 'unsupported_media_type' })]);
    }
  });

  test('a file that comes as JSON is of the wrong type, whatever it holds', async () => {
    for (const body of ['{}', 'customer_id\na\n']) {
      const { status } = await app.fetch('/api/v1/marketing/customers/import', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      expect([body, status]).toEqual([body, 415]);
    }
  });

  test('a time zone has a name: an offset is none', async () => {
    const put = (timezone: string) => app.api().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'zoned' } }, body: { timezone } });
    for (const timezone of ['+02:00', '-05', '+0530']) expect((await put(timezone)).error).toMatchObject({ status: 400, errors: [{ pointer: '/timezone', code: 'is_time_zone' }] });
    for (const timezone of ['Europe/Berlin', 'UTC', 'EST5EDT']) expect((await put(timezone)).data).toMatchObject({ timezone });
  });

  test('puts of one new customer at once make one row and lose no field', async () => {
    const fields = [{ city: 'Oslo' }, { first_name: 'Kim' }, { last_name: 'Lee' }, { loyalty_tier: 'gold' }, { loyalty_points: 7 }, { email: 'kim@example.com' }];
    const answers = await Promise.all(Array.from({ length: 18 }, (_, index) => put('kim', fields[index % fields.length]!)));
    expect(answers.map((one) => one.response.status).sort()).toEqual([...Array<number>(17).fill(200), 201]);
    expect((await get('kim')).data).toMatchObject(Object.assign({}, ...fields));
  });

  test('another tenant’s customer is one that does not exist', async () => {
    await put('mine', {});
    expect((await get('mine', newTenant())).error).toMatchObject({ code: 'customer_not_found' });
  });

  test('where a customer said something is kept trimmed, and not by space alone', async () => {
    const consent = (source: string) => put('trimmed', { consents: { email: { status: 'subscribed', source } } });
    expect((await consent('  signup form ')).data?.consents.email).toMatchObject({ status: 'subscribed', source: 'signup form' });
    expect((await consent('  ')).error).toMatchObject({ status: 400, errors: [{ pointer: '/consents/email/source', code: 'is_length' }] });
  });

  test('an id that no URL can name is refused, and a birthday to come', async () => {
    const tenant = newTenant();
    const soon = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
    const { data } = await app.api(['marketing'], tenant).POST('/api/v1/marketing/customers/batch', { body: { customers: [{ customer_id: '.' }, { customer_id: '..' }, { customer_id: '...' }, { customer_id: 'a', birthday: soon }, { customer_id: 'b', birthday: new Date().toISOString().slice(0, 10) }] } });
    expect(data!.results.map(({ customer_id, errors }) => [customer_id, errors?.[0]?.code])).toEqual([['.', 'is_customer_id'], ['..', 'is_customer_id'], ['...', undefined], ['a', 'is_born'], ['b', undefined]]);
    const events = ['.', '..'].map((customer_id, at) => ({ id: `e${at}`, type: 'menu_viewed', customer_id, occurred_at: '2026-01-02T00:00:00Z' }));
    expect((await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events } })).data!.rejected.map(({ code }) => code)).toEqual(['is_customer_id', 'is_customer_id']);
    expect((await put('c', { birthday: soon }, tenant)).error).toMatchObject({ status: 400, errors: [{ pointer: '/birthday', code: 'is_born' }] });
  });

  test('in a batch a bad row does not spoil the others', async () => {
    const tenant = newTenant();
    await put('old', {}, tenant);
    const { data, response } = await app.api(['marketing'], tenant).POST('/api/v1/marketing/customers/batch', {
      body: { customers: [{ customer_id: 'new', city: 'Bonn' }, { customer_id: 'old', city: 'Bonn' }, { customer_id: 'x', email: 'no' }, { customer_id: 'new', city: 'Ulm' }, {} as never] },
    });
    expect(response.status).toBe(200);
    expect(data).toMatchObject({ created: 1, updated: 2, rejected: 2 });
    expect(data!.results.map((row) => row.status)).toEqual(['created', 'updated', 'rejected', 'updated', 'rejected']);
    expect(data!.results[2]!.errors).toEqual([{ pointer: '/customers/2/email', code: 'is_email', detail: 'email must be an email address' }]);
    expect((await get('new', tenant)).data).toMatchObject({ city: 'Ulm' });
  });

  test('the list pages by number and by cursor, counts, and finds by how a name, email, phone or id begins', async () => {
    const tenant = newTenant();
    const customers = Array.from({ length: 25 }, (_, index) => ({ customer_id: `c${String(index).padStart(2, '0')}`, first_name: index % 2 ? 'Ann' : 'Bob', last_name: `Smith${index}`, email: `person${index}@example.com`, phone: `+1415555${2600 + index}`, loyalty_tier: index < 5 ? 'gold' : 'silver' }));
    await app.api(['marketing'], tenant).POST('/api/v1/marketing/customers/batch', { body: { customers } });
    const list = async (query: object) => (await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers', { params: { query } })).data!;
    const first = await list({ limit: 10 });
    expect(first.meta).toMatchObject({ page: 1, total: 25, total_relation: 'eq', has_more: true });
    const second = await list({ limit: 10, cursor: first.meta.next_cursor });
    expect((await list({ limit: 10, page: 2 })).data).toEqual(second.data);
    const third = await list({ limit: 10, cursor: second.meta.next_cursor });
    expect(new Set([...first.data, ...second.data, ...third.data].map((one) => one.customer_id)).size).toBe(25);
    expect(third.meta).toMatchObject({ has_more: false, next_cursor: null });
    const found = async (q: string) => (await list({ q })).data.map((one) => one.customer_id).sort();
    expect(await found('c07')).toEqual(['c07']);
    expect(await found('PERSON24@')).toEqual(['c24']);
    expect(await found('smith1')).toHaveLength(11);
    expect(await found('ann smith3')).toEqual(['c03']);
    expect(await found('+1 415 555 2603')).toEqual(['c03']);
    expect(await found('%')).toEqual([]);
    expect((await list({ loyalty_tier: 'gold' })).meta.total).toBe(5);
  });

  test('an opt-out is undone by a later consent only', async () => {
    const consent = async (customer: string, status: string, at?: string) => (await put(customer, { consents: { email: { status, at } } })).data?.consents.email.status;
    await put('fickle', { email: 'fickle@example.com' });
    expect(await consent('fickle', 'subscribed')).toBe('subscribed');
    expect(await consent('fickle', 'unsubscribed', '2026-03-01T00:00:00Z')).toBe('unsubscribed');
    expect(await consent('fickle', 'subscribed')).toBe('unsubscribed');
    expect(await consent('fickle', 'subscribed', '2026-02-01T00:00:00Z')).toBe('unsubscribed');
    // The address is opted out, whoever has it.
    expect((await put('fickle', { consents: { email: { status: 'subscribed', at: new Date(Date.now() + 3_600_000).toISOString() } } })).error).toMatchObject({
      status: 400, errors: [{ pointer: '/consents/email/at', code: 'is_not_ahead' }], // it would undo every opt-out until then
    });
    expect((await put('zoned', { consents: { sms: { status: 'subscribed', at: '2026-01-01T05:00:00+05:00' } } })).data?.consents.sms.at).toBe('2026-01-01T00:00:00.000Z');
    expect((await put('same address', { email: 'Fickle@example.com' })).data?.consents.email.status).toBe('unsubscribed');
    expect(await consent('fickle', 'subscribed', '2026-03-02T00:00:00Z')).toBe('subscribed');
  });
});

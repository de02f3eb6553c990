import { CustomerMerge, Customers, PersonalData } from '#customers';
import { Database } from '#database';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { newTenant, token } from './support/tokens.js';

const AT = '2026-01-02T00:00:00.000Z';
const PHONE = '+14155552671';

describe('merging duplicates', () => {
  let app: TestApp;
  let tenant: string;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());
  beforeEach(() => void (tenant = newTenant()));

  const api = () => app.api(['tenant_admin'], tenant);
  const path = (customer_id: string) => ({ params: { path: { customer_id } } });
  const put = (id: string, body: object = {}) => api().PUT('/api/v1/marketing/customers/{customer_id}', { ...path(id), body });
  const get = async (id: string) => (await api().GET('/api/v1/marketing/customers/{customer_id}', path(id))).data;
  const merge = (into: string, from: string) => api().POST('/api/v1/marketing/customers/{customer_id}/merge', { ...path(into), body: { from } });
  const record = (...events: object[]) => api().POST('/api/v1/marketing/events', { body: { events: events as never } });
  const order = (id: string, customer_id: string, total: number, occurred_at = AT) => ({ id, type: 'order_completed', customer_id, occurred_at, order: { id: `o-${id}`, total } });
  const timeline = async (id: string) => (await api().GET('/api/v1/marketing/customers/{customer_id}/timeline', path(id))).data!.data;
  const redeem = (customer_id: string, orderId: string) => api().POST('/api/v1/marketing/promos/redemptions', { body: { code: 'TWICE', customer_id, order: { id: orderId, items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } } });
  const list = async (...customer_ids: string[]) => {
    const { data } = await api().POST('/api/v1/marketing/segments', { body: { name: customer_ids.join(), type: 'static' } });
    await api().POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id: data!.id } }, body: { customer_ids } });
    return data!.id;
  };
  const members = async (segment_id: string) => (await api().GET('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id } } })).data!;

  test('one profile stays, with what both had; the facts are those of all orders', async () => {
    await put('new', { email: 'ada@example.com', tags: ['vip'], consents: { email: { status: 'subscribed', at: AT } } });
    await put('old', { email: 'a.l@example.com', phone: PHONE, city: 'Bern', tags: ['lunch'], consents: { email: { status: 'unsubscribed', at: '2025-01-01T00:00:00Z' }, sms: { status: 'subscribed' } } });
    await record(order('1', 'new', 10), order('2', 'old', 20, '2026-02-01T00:00:00.000Z'), { id: '3', type: 'order_refunded', customer_id: 'old', occurred_at: '2026-02-02T00:00:00Z', order: { id: 'o-2', amount: 5 } });
    const { data, response } = await merge('new', 'old');
    expect(response.status).toBe(200);
    expect(data).toMatchObject({
      customer_id: 'new', email: 'ada@example.com', phone: PHONE, city: 'Bern', tags: ['vip', 'lunch'], order_count: 2, total_spent: 25, first_order_at: AT, last_order_at: '2026-02-01T00:00:00.000Z',
      consents: { email: { status: 'unsubscribed' }, sms: { status: 'subscribed' } },
    });
    expect((await timeline('new')).map((entry) => entry.type).sort()).toEqual(['consent', 'consent', 'consent', 'event', 'event', 'event', 'merge']);
    // Both addresses are opted out, whoever comes with them.
    for (const [id, email] of [['x', 'ada@example.com'], ['y', 'a.l@example.com']] as const) expect((await put(id, { email })).data!.consents.email.status).toBe('unsubscribed');
  });

  test('an opt-out comes along on every channel, and holds the address that the survivor has', async () => {
    const push_subscription = { endpoint: 'https://push.example.com/new', keys: { p256dh: 'p', auth: 'a' } };
    await put('new', { email: 'ada@example.com', phone: PHONE, push_subscription });
    await put('old', { consents: Object.fromEntries(['email', 'sms', 'push'].map((channel) => [channel, { status: 'unsubscribed', at: AT }])) });
    await merge('new', 'old');
    // Whoever comes with the address now, from a list that is older than the opt-out.
    const subscribed = { status: 'subscribed', at: '2025-12-31T00:00:00Z' };
    const { data } = await put('other', { email: 'ada@example.com', phone: PHONE, push_subscription, consents: { email: subscribed, sms: subscribed, push: subscribed } });
    for (const channel of ['email', 'sms', 'push'] as const) expect([channel, data!.consents[channel]]).toEqual([channel, { status: 'unsubscribed', source: 'suppression', at: AT }]);
  });

  test('the old id means the customer who stays, wherever it is said', async () => {
    await put('new');
    await put('old');
    await merge('new', 'old');
    expect(await get('old')).toMatchObject({ customer_id: 'new' });
    expect((await put('old', { city: 'Bern' })).data).toMatchObject({ customer_id: 'new', city: 'Bern' });
    await record(order('1', 'old', 7));
    const { data: batch } = await api().POST('/api/v1/marketing/customers/batch', { body: { customers: [{ customer_id: 'old', first_name: 'Ada' }, { customer_id: 'new', last_name: 'Lovelace' }] } });
    expect(batch).toMatchObject({ created: 0, updated: 2 });
    expect(await get('new')).toMatchObject({ city: 'Bern', first_name: 'Ada', last_name: 'Lovelace', order_count: 1, total_spent: 7 });
    const file = await app.fetch('/api/v1/marketing/customers/import', { method: 'POST', token: token(tenant), headers: { 'content-type': 'text/csv' }, body: 'customer_id,loyalty_tier\nold,gold\n' });
    const { id } = (await file.json()) as { id: string };
    await eventually(async () => expect((await api().GET('/api/v1/marketing/imports/{import_id}', { params: { path: { import_id: id } } })).data).toMatchObject({ status: 'completed', updated: 1, created: 0 }));
    expect(await get('new')).toMatchObject({ loyalty_tier: 'gold' });
    await api().POST('/api/v1/marketing/promos', { body: { code: 'TWICE', type: 'percentage', value: 10, per_customer_limit: 1 } });
    expect((await redeem('old', 'first')).response.status).toBe(201);
    expect((await redeem('new', 'second')).error).toMatchObject({ code: 'customer_limit_reached' });
    expect((await members(await list('old', 'new'))).data.map((one) => one.customer_id)).toEqual(['new']);
  });

  test('lists hold the survivor once, criteria are looked at again, limits count both', async () => {
    await put('new');
    await put('old', { city: 'Bern' });
    const [both, one] = [await list('new', 'old'), await list('old')];
    const { data: bernese } = await api().POST('/api/v1/marketing/segments', { body: { name: 'Bern', type: 'dynamic', criteria: { city: 'Bern' } } });
    await api().POST('/api/v1/marketing/promos', { body: { code: 'TWICE', type: 'percentage', value: 10, per_customer_limit: 2 } });
    for (const id of ['new', 'old']) expect((await redeem(id, `o-${id}`)).response.status).toBe(201);
    await merge('new', 'old');
    expect((await redeem('new', 'third')).error).toMatchObject({ code: 'customer_limit_reached' });
    const [stats] = await app.sql('SELECT sum(customers)::int AS customers, sum(uses)::int AS uses FROM promo_totals t JOIN tenants ON id = tenant_id WHERE name = $1', [tenant]);
    expect(stats).toEqual({ customers: 1, uses: 2 });
    for (const id of [both, one]) {
      const { data, meta } = await members(id);
      expect([data.map((member) => member.customer_id), meta.total]).toEqual([['new'], 1]);
    }
    await eventually(async () => expect((await members(bernese!.id)).data.map((member) => member.customer_id)).toEqual(['new']));
  });

  test('criteria that say an id mean the customer who stays, too', async () => {
    for (const id of ['new', 'old', 'older', 'other']) await put(id);
    const criteria = { customer_id: { in: ['old'] } };
    const at = { params: { path: { segment_id: (await api().POST('/api/v1/marketing/segments', { body: { name: 'Old', type: 'dynamic', criteria } })).data!.id } } };
    const size = async (test: object) => (await api().POST('/api/v1/marketing/segments/preview', { body: { criteria: { customer_id: test } } })).data!.size;
    await merge('old', 'older');
    await merge('new', 'old');
    await eventually(async () => expect((await members(at.params.path.segment_id)).data.map((member) => member.customer_id)).toEqual(['new']));
    expect((await api().POST('/api/v1/marketing/segments/{segment_id}/refresh', at)).data).toMatchObject({ size: 1, criteria });
    expect(await Promise.all([size({ eq: 'older' }), size({ in: ['old', 'new'] }), size({ starts_with: 'ol' }), size({ ne: 'old' }), size({ nin: ['older', 'ghost'] }), size({ contains: 'o' })])).toEqual([1, 1, 1, 1, 1, 2]);
    await api().DELETE('/api/v1/marketing/customers/{customer_id}', path('new'));
    expect(await size({ in: ['old', 'older'] })).toBe(0);
  });

  test('chains lead to the last; what was done is done, what contradicts is refused', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await put(id, { attributes: { [id]: 1 } });
    await merge('b', 'a');
    await merge('c', 'b');
    expect(await get('a')).toMatchObject({ customer_id: 'c', attributes: { a: 1, b: 1, c: 1 } });
    const before = await get('c');
    expect((await merge('c', 'a')).data).toEqual(before); // again
    expect((await merge('a', 'b')).data).toEqual(before); // the same person by either name
    expect((await merge('a', 'c')).error).toMatchObject({ status: 409, code: 'customer_merged' });
    expect((await merge('d', 'a')).error).toMatchObject({ status: 409, code: 'customer_merged' });
    expect((await merge('c', 'c')).error).toMatchObject({ status: 400, errors: [{ pointer: '/from', code: 'same_customer' }] });
    for (const [into, from] of [['c', 'ghost'], ['ghost', 'c']] as const) expect((await merge(into, from)).error).toMatchObject({ status: 404, code: 'customer_not_found' });
    expect((await merge('a', 'd')).data).toMatchObject({ customer_id: 'c', attributes: { d: 1 } });
  });

  test('merges of a circle at once leave one profile with everything', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) await put(id, { attributes: { [id]: 1 } });
    await record(...ids.map((id) => order(id, id, 10)));
    await Promise.all(ids.flatMap((id, n) => [merge(id, ids[(n + 1) % 4]!), merge(ids[(n + 1) % 4]!, id), put(id, { attributes: { [`put_${id}`]: 1 } })]));
    const last = await get('a');
    expect(last).toMatchObject({ order_count: 4, total_spent: 40, attributes: Object.fromEntries(ids.flatMap((id) => [[id, 1], [`put_${id}`, 1]])) });
    for (const id of ids) expect(await get(id)).toEqual(last);
  });

  test('what fails halfway changes nothing', async () => {
    await put('new', { consents: { email: { status: 'subscribed' } } });
    await put('old', { city: 'Bern', consents: { email: { status: 'unsubscribed' } } });
    await record(order('1', 'old', 10));
    const seen = async () => [await get('new'), await get('old'), await timeline('new'), await timeline('old')];
    const before = await seen();
    const { sources } = app.nest.get(PersonalData, { strict: false });
    const last = sources.at(-1)!;
    const { merge: working } = last;
    last.merge = () => Promise.reject(new Error('power cut'));
    expect((await merge('new', 'old')).response.status).toBe(500);
    last.merge = working;
    expect(await seen()).toEqual(before);
    expect((await merge('new', 'old')).response.status).toBe(200);
  });

  test('what a transaction under way writes under the old number reaches the survivor', async () => {
    await put('new');
    await put('old');
    const owner = await tenantOf(app, tenant);
    const customers = app.nest.get(Customers, { strict: false });
    const oldNo = await app.nest.get(Database).inTenant(owner, async (tx) => {
      const no = (await customers.find(tx, owner, ['old'])).get('old')!;
      await merge('new', 'old');
      await tx.query(`INSERT INTO orders (tenant_id, order_id, customer_no, total, occurred_at) VALUES ($1, 'late', $2, 500, $3)`, [owner.id, no, AT]);
      await customers.recordOrderFacts(tx, owner, [{ customerNo: no, orders: 1, spent: 500, firstAt: new Date(AT), lastAt: new Date(AT) }]);
      await customers.setConsent(tx, owner, [{ customerNo: no, channel: 'email', status: 'unsubscribed', source: 'link', at: new Date(AT) }]);
      return no;
    });
    expect(await get('new')).toMatchObject({ consents: { email: { status: 'unsubscribed' } } });
    for (const _ of [1, 2]) {
      await app.nest.get(CustomerMerge, { strict: false }).again(owner, oldNo);
      expect(await get('new')).toMatchObject({ order_count: 1, total_spent: 5 });
    }
  });

  test('erasing the survivor erases the old id, too', async () => {
    await put('new');
    await put('unmistakable-old-id');
    await merge('new', 'unmistakable-old-id');
    await api().DELETE('/api/v1/marketing/customers/{customer_id}', path('unmistakable-old-id'));
    expect(await get('new')).toBeUndefined();
    expect(await app.sql(`SELECT 1 FROM customer_aliases WHERE customer_id = 'unmistakable-old-id'`)).toEqual([]);
    expect((await put('unmistakable-old-id')).response.status).toBe(201);
  });
});

import { Events, ORDERS_RECORDED } from '#events';
import { Jobs } from '#jobs';
import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';

type Event = Record<string, unknown>;

describe('events', () => {
  let app: TestApp;
  const told: { tenant: string; orders: { order_id: string; total: number }[] }[] = [];
  beforeAll(async () => {
    app = await startApp();
    const jobs = app.nest.get(Jobs, { strict: false });
    const publish = jobs.publish.bind(jobs);
    jobs.publish = async (tx, tenant, event, data) => {
      if (event.name === ORDERS_RECORDED.name) told.push({ tenant: tenant.name, ...(data as { orders: [] }) });
      await publish(tx, tenant, event, data);
    };
  });
  afterAll(() => app.close());

  const record = async (tenant: string, ...events: Event[]) => (await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events: events as never } })).data!;
  const facts = async (tenant: string, customer_id: string) => {
    const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } });
    const { order_count, total_spent, average_order_value, first_order_at, last_order_at } = data!;
    return { order_count, total_spent, average_order_value, first_order_at, last_order_at };
  };
  const visit = (id: string, more: Event = {}): Event => ({ id, type: 'menu_viewed', customer_id: 'guest', occurred_at: '2026-01-05T10:00:00Z', ...more });
  const order = (id: string, orderId: string, total: number, more: Event = {}): Event =>
    ({ id, type: 'order_completed', customer_id: 'guest', occurred_at: '2026-01-05T12:00:00Z', order: { id: orderId, total }, ...more });
  const refund = (id: string, orderId: string, amount: number): Event => ({ id, type: 'order_refunded', customer_id: 'guest', occurred_at: '2026-01-06T12:00:00Z', order: { id: orderId, amount } });

  test('an id counts once, within a batch and for ever', async () => {
    const tenant = newTenant();
    expect(await record(tenant, visit('a'), visit('b'), visit('a'))).toEqual({ accepted: 2, duplicates: 1, rejected: [] });
    expect(await record(tenant, visit('b'), visit('c'))).toEqual({ accepted: 1, duplicates: 1, rejected: [] });
    expect(await record(newTenant(), visit('a'))).toMatchObject({ accepted: 1 });
  });

  test('a type has its stage; another keeps the one it names; a stranger becomes a bare profile', async () => {
    const tenant = newTenant();
    await record(tenant, visit('1', { type: 'touchpoint' }), visit('2', { stage: 'interest' }), visit('3', { type: 'wine_tasted', stage: 'evaluation' }), visit('4', { type: 'yawned', customer_id: 'other' }));
    const rows = await app.sql(`SELECT event_id, stage FROM events JOIN tenants ON tenants.id = tenant_id WHERE name = $1 ORDER BY 1`, [tenant]);
    expect(rows).toEqual([{ event_id: '1', stage: 'awareness' }, { event_id: '2', stage: 'interest' }, { event_id: '3', stage: 'evaluation' }, { event_id: '4', stage: null }]);
    expect(await facts(tenant, 'other')).toMatchObject({ order_count: 0, total_spent: 0 });
  });

  test('a stage that is not the caller’s to say is refused, for that event alone', async () => {
    const tenant = newTenant();
    const answer = await record(
      tenant,
      visit('1', { stage: 'advocacy' }), visit('2', { stage: 'activation' }), visit('3', { type: 'came_back', stage: 'activation' }), visit('4', { type: 'is_regular', stage: 'retention' }),
      { ...refund('5', 'o', 1), stage: 'purchase' }, visit('6', { type: 'wine_tasted', stage: 'evaluation' }), order('7', 'o', 1, { stage: 'purchase' }), visit('8', { stage: null }),
    );
    expect(answer.rejected.map(({ index, code, pointer }) => [index, code, pointer])).toEqual(
      ['stage_mismatch', 'stage_mismatch', 'derived_stage', 'derived_stage', 'stage_mismatch'].map((code, index) => [index, code, `/events/${index}/stage`]),
    );
    expect(answer.accepted).toBe(3);
  });

  test('a bad event is reported with its place, the good ones are kept', async () => {
    const tenant = newTenant();
    const future = new Date(Date.now() + 25 * 3_600_000).toISOString();
    const result = await record(
      tenant,
      visit('ok'),
      visit('early', { occurred_at: '1999-12-31T23:59:59Z' }),
      visit('late', { occurred_at: future }),
      visit('zoneless', { occurred_at: '2026-01-01T00:00:00' }),
      visit('spam', { spam: 1 }),
      order('cents', 'o', 9.999),
      { id: 'bare', type: 'order_completed', customer_id: 'guest', occurred_at: '2026-01-05T10:00:00Z' },
      visit('ordered', { order: { id: 'o', total: 1 } }),
      visit('nameless', { customer_id: ' ' }),
      visit('thirtieth', { occurred_at: '2026-02-30T00:00:00Z' }),
      order('text', 'o', '10' as never),
    );
    expect(result).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(result.rejected.map(({ index, code, pointer }) => [index, code, pointer])).toEqual([
      [1, 'occurred_at_out_of_range', '/events/1/occurred_at'],
      [2, 'occurred_at_out_of_range', '/events/2/occurred_at'],
      [3, 'is_instant', '/events/3/occurred_at'],
      [4, 'unknown_property', '/events/4/spam'],
      [5, 'too_many_decimals', '/events/5/order/total'],
      [6, 'order_required', '/events/6/order'],
      [7, 'unexpected_order', '/events/7/order'],
      [8, 'is_customer_id', '/events/8/customer_id'],
      [9, 'is_instant', '/events/9/occurred_at'],
      [10, 'is_number', '/events/10/order/total'],
    ]);
    // A rejected id was not used up.
    expect(await record(tenant, visit('early'))).toMatchObject({ accepted: 1 });
  });

  test('orders make the facts, an order id counts once, refunds are taken off and never exceed it', async () => {
    const tenant = newTenant();
    await record(tenant, order('e1', 'o1', 20.1), order('e2', 'o2', 10, { occurred_at: '2025-12-01T12:00:00Z' }), order('e3', 'o1', 99), visit('e4'));
    const dates = { first_order_at: '2025-12-01T12:00:00.000Z', last_order_at: '2026-01-05T12:00:00.000Z' };
    expect(await facts(tenant, 'guest')).toEqual({ order_count: 2, total_spent: 30.1, average_order_value: 15.05, ...dates });
    await record(tenant, order('e5', 'o2', 50));
    await record(tenant, refund('r1', 'o1', 5), refund('r2', 'o1', 0.1));
    expect(await facts(tenant, 'guest')).toEqual({ order_count: 2, total_spent: 25, average_order_value: 12.5, ...dates });
    await record(tenant, refund('r1', 'o1', 5), refund('r3', 'o1', 500));
    expect(await facts(tenant, 'guest')).toMatchObject({ order_count: 2, total_spent: 10 });
    const heard = told.filter((one) => one.tenant === tenant).map((one) => one.orders.map(({ order_id, total }) => [order_id, total]));
    expect(heard).toEqual([[['o1', 2010], ['o2', 1000]], [['o1', 1500]], [['o1', 0]]]);
  });

  test('a refund that comes first waits for its order, also when both come at once', async () => {
    const tenant = newTenant();
    await record(tenant, refund('r', 'o', 3), refund('r2', 'o', 1));
    await record(tenant, order('e', 'o', 10));
    expect(await facts(tenant, 'guest')).toMatchObject({ order_count: 1, total_spent: 6 });
    await Promise.all(Array.from({ length: 20 }, (_, index) => [record(tenant, refund(`cr${index}`, `co${index}`, 1)), record(tenant, order(`ce${index}`, `co${index}`, 10))]).flat());
    expect(await facts(tenant, 'guest')).toMatchObject({ order_count: 21, total_spent: 6 + 20 * 9 });
  });

  test('batches at once with the same ids, orders and customers leave exact facts', async () => {
    const tenant = newTenant();
    const events = Array.from({ length: 120 }, (_, n): Event => ({
      id: `e${n}`, type: 'order_completed', customer_id: `c${n % 7}`, occurred_at: new Date(Date.UTC(2026, 0, 1 + (n % 20), 12)).toISOString(), order: { id: `o${n % 100}`, total: 10 + (n % 100) },
    }));
    const shuffled = () => [...events].sort(() => Math.random() - 0.5).slice(0, 90);
    const batches = [...Array.from({ length: 19 }, shuffled), events];
    const results = await Promise.all(batches.map((batch) => record(tenant, ...batch)));
    expect(results.reduce((sum, one) => sum + one.accepted, 0)).toBe(120);
    const [truth] = await app.sql(
      `SELECT count(*)::int AS orders, sum(total)::int AS spent, (SELECT sum(order_count)::int FROM customers WHERE tenant_id = t.id) AS counted,
              (SELECT sum(total_spent)::int FROM customers WHERE tenant_id = t.id) AS summed, (SELECT count(*)::int FROM customers WHERE tenant_id = t.id) AS customers
         FROM tenants t JOIN orders ON orders.tenant_id = t.id WHERE t.name = $1 GROUP BY t.id`, [tenant]);
    expect(truth).toEqual({ orders: 100, spent: 100 * 1000 + (99 * 100 * 100) / 2, counted: 100, summed: 100 * 1000 + (99 * 100 * 100) / 2, customers: 7 });
  });

  test('a currency without cents takes none', async () => {
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { currency: 'JPY' } });
    expect((await record(tenant, order('a', 'o1', 12.5), order('b', 'o2', 1200))).rejected).toMatchObject([{ index: 0, code: 'too_many_decimals' }]);
    expect(await facts(tenant, 'guest')).toMatchObject({ order_count: 1, total_spent: 1200 });
    const { error } = await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { currency: 'USD' } });
    expect(error).toMatchObject({ code: 'currency_fixed' });
  });

  test('a currency that changes while amounts are recorded never takes them for its own', async () => {
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { currency: 'USD' } });
    const admin = new pg.Client({ connectionString: await specDatabase() });
    await admin.connect();
    const waiting = () => app.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`);
    try {
      const change = `BEGIN; UPDATE tenant_settings SET currency = 'JPY' WHERE tenant_id = (SELECT id FROM tenants WHERE name = '${tenant}')`;
      await admin.query(change);
      const event = app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events: [order('a', 'o1', 24.5)] as never } });
      await eventually(async () => expect(await waiting()).toHaveLength(1));
      await admin.query('COMMIT');
      expect((await event).response.status).toBe(503); // sent again, it is read in yen, and refused
      expect((await record(tenant, order('a', 'o1', 24.5))).rejected).toMatchObject([{ index: 0, code: 'too_many_decimals' }]);
      await admin.query(change.replace('JPY', 'USD'));
      const promo = app.api(['marketing'], tenant).POST('/api/v1/marketing/promos', { body: { code: 'TEN', type: 'fixed_amount', value: 10 } });
      await eventually(async () => expect(await waiting()).toHaveLength(1));
      await admin.query('COMMIT');
      expect((await promo).data).toMatchObject({ value: 10 });
      expect(await app.sql(`SELECT value::int FROM promos WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant])).toEqual([{ value: 1000 }]);
    } finally {
      await admin.end();
    }
  });

  test('activation and retention are read off the orders', async () => {
    const tenant = newTenant();
    await record(tenant, order('3', 'o3', 1, { occurred_at: '2026-01-03T00:00:00Z' }), order('1', 'o1', 1, { occurred_at: '2026-01-01T00:00:00Z' }), order('2', 'o2', 1, { occurred_at: '2026-01-02T00:00:00Z' }));
    const source = app.nest.get(Events, { strict: false }).stageSource();
    const rows = await app.sql(`SELECT stage, occurred_at FROM (${source}) s JOIN tenants ON tenants.id = tenant_id WHERE name = $1 AND stage <> 'purchase' ORDER BY 2`, [tenant]);
    expect(rows).toEqual([{ stage: 'activation', occurred_at: new Date('2026-01-02Z') }, { stage: 'retention', occurred_at: new Date('2026-01-03Z') }]);
  });

  test('the key that was used before answers as before', async () => {
    const tenant = newTenant();
    const post = () => app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { params: { header: { 'Idempotency-Key': 'k-1' } }, body: { events: [visit('a') as never] } });
    expect((await post()).data).toMatchObject({ accepted: 1 });
    const again = await post();
    expect(again.data).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(again.response.headers.get('idempotency-replayed')).toBe('true');
  });
});

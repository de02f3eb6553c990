import { SegmentSweeps } from '#segments';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { newTenant } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const PREVIEW = '/api/v1/marketing/segments/preview';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('guests who are overdue by their own habit', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(); // no worker: each look is the test's own
  });
  afterAll(() => app.close());

  let orders = 0;
  /** Tells orders, made so many days ago, in one batch. */
  const order = async (tenant: string, customer_id: string, ...daysAgo: number[]): Promise<void> => {
    const events = daysAgo.map((days) => {
      const id = `o${++orders}`;
      return { id, type: 'order_completed', customer_id, occurred_at: new Date(app.clock.now().getTime() - days * DAY).toISOString(), order: { id, total: 10 } };
    });
    expect((await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events: events as never } })).data).toMatchObject({ accepted: daysAgo.length });
  };
  const gapOf = async (tenant: string, customer_id: string) => (await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } })).data!.median_order_gap_days;
  const matching = async (tenant: string, test: object) => {
    const { data, error } = await app.api(['marketing'], tenant).POST(PREVIEW, { body: { criteria: { overdue_ratio: test } } });
    return data?.sample.map((one) => one.customer_id).sort() ?? error!.errors!.map(({ pointer, code }) => `${pointer} ${code}`);
  };

  test('the median gap follows the orders, in whatever order and batches they come', async () => {
    const tenant = newTenant();
    await order(tenant, 'ada', 40, 30);
    expect(await gapOf(tenant, 'ada')).toBeNull(); // one gap is no habit
    await order(tenant, 'ada', 10);
    expect(await gapOf(tenant, 'ada')).toBe(15); // of 10 and 20
    await order(tenant, 'ada', 36, 4.5);
    expect(await gapOf(tenant, 'ada')).toBe(5.75); // of 4, 5.5, 6 and 20
    await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', {
      body: { events: [{ id: 'r1', type: 'order_refunded', customer_id: 'ada', occurred_at: app.clock.now().toISOString(), order: { id: `o${orders}`, amount: 10 } }] as never },
    });
    expect(await gapOf(tenant, 'ada')).toBe(5.75); // what was given back was still ordered
    await order(tenant, 'bob', 3, 3, 3, 3);
    expect(await gapOf(tenant, 'bob')).toBeNull(); // and all at once is none either
  });

  test('two batches at once count the orders of both', async () => {
    const tenant = newTenant();
    await order(tenant, 'ada', 0);
    await Promise.all([order(tenant, 'ada', 30, 20), order(tenant, 'ada', 10), order(tenant, 'ada', 50, 40)]);
    expect(await gapOf(tenant, 'ada')).toBe(10);
  });

  test('the survivor of a merge has the habit of both', async () => {
    const tenant = newTenant();
    await order(tenant, 'old', 40, 20);
    await order(tenant, 'new', 30, 10);
    await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'new' } }, body: { from: 'old' } });
    expect(await gapOf(tenant, 'new')).toBe(10);
  });

  test('criteria compare how long it was with how long it mostly is', async () => {
    const tenant = newTenant();
    await order(tenant, 'weekly', 24, 17, 10); // 10 days since, mostly 7
    await order(tenant, 'monthly', 70, 40, 10);
    await order(tenant, 'twice', 40, 30);
    await order(tenant, 'gone', 32, 31, 30);
    expect(await matching(tenant, { gte: 1.42 })).toEqual(['gone', 'weekly']);
    expect(await matching(tenant, { gte: 1.43 })).toEqual(['gone']);
    expect(await matching(tenant, { lt: 1 })).toEqual(['monthly']);
    expect(await matching(tenant, { between: [0.3, 2] })).toEqual(['monthly', 'weekly']);
    expect(await matching(tenant, { exists: false })).toEqual(['twice']);
    expect(await matching(tenant, { gt: 1.005, gte: -1, lte: 101, lt: '1', eq: 2 })).toEqual([
      '/criteria/overdue_ratio/gt invalid_value', '/criteria/overdue_ratio/gte invalid_value', '/criteria/overdue_ratio/lte invalid_value', '/criteria/overdue_ratio/lt invalid_value', '/criteria/overdue_ratio/eq unsupported_operator',
    ]);
    expect((await app.api().POST(PREVIEW, { body: { criteria: { overdue_ratio: 2 } } })).error).toMatchObject({ errors: [{ pointer: '/criteria/overdue_ratio', code: 'expected_object' }] });
  });

  // Last: it moves the clock.
  test('time alone moves them, and only them are looked at', async () => {
    const name = newTenant();
    const tenant = await tenantOf(app, name);
    // Spans of hours to years, so that each of many steps crosses the borders of some.
    const now = app.clock.now();
    await app.sql(
      `INSERT INTO customers (tenant_id, customer_no, customer_id, order_count, first_order_at, last_order_at, median_order_gap, created_at, updated_at)
       SELECT $1, n, 'c' || n, 3, $2, $2::timestamptz - make_interval(hours => (n * 37) % 700), make_interval(secs => 3600 * (1 + (n * n) % 1900)), $2, $2 FROM generate_series(1, 400) n`, [tenant.id, now]);
    await app.sql('UPDATE customers SET median_order_gap = NULL WHERE tenant_id = $1 AND customer_no % 10 = 0', [tenant.id]);
    const people = await app.sql<{ id: string; at: Date; gap: number }>('SELECT customer_id AS id, last_order_at AS at, extract(epoch FROM median_order_gap)::float8 * 1000 AS gap FROM customers WHERE tenant_id = $1 AND median_order_gap IS NOT NULL', [tenant.id]);
    const meant: [object, (ratio: number) => boolean][] = [[{ gte: 1 }, (ratio) => ratio >= 1], [{ lt: 2.5 }, (ratio) => ratio < 2.5], [{ between: [0.5, 3] }, (ratio) => ratio >= 0.5 && ratio <= 3], [{ gt: 0 }, (ratio) => ratio > 0]];
    const segments = await Promise.all(meant.map(async ([overdue_ratio]) => (await app.api(['marketing'], name).POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: { overdue_ratio } } })).data!.id));
    const sizes = new Set<number>();
    for (const hours of [1, 5, 24, 24, 100, 700, 3000, 40]) {
      app.clock.advance(hours * HOUR);
      await app.nest.get(SegmentSweeps, { strict: false }).followTime(tenant);
      for (const [at, [test, holds]] of meant.entries()) {
        const [kept] = await app.sql<{ ids: string[] }>(`SELECT ARRAY(SELECT customer_id FROM segment_members m JOIN customers c USING (tenant_id, customer_no) WHERE m.tenant_id = s.tenant_id AND m.segment_no = s.segment_no ORDER BY 1) AS ids
          FROM segments s WHERE tenant_id = $1 AND segment_id = $2`, [tenant.id, segments[at]]);
        const due = people.filter((one) => holds((app.clock.now().getTime() - one.at.getTime()) / one.gap)).map(({ id }) => id).sort();
        expect([hours, test, kept!.ids]).toEqual([hours, test, due]);
        sizes.add(due.length);
      }
    }
    expect(sizes.size).toBeGreaterThan(15);
  });
});

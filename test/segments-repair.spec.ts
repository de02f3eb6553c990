import { register } from 'prom-client';
import { Database } from '#database';
import type { Tenant } from '#kernel';
import { SegmentRepairs, SegmentSweeps } from '#segments';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers, tenantOf } from './support/customers.js';

const SEGMENTS = '/api/v1/marketing/segments';
const DAY = 86_400_000;

describe('the nightly comparison of segments with customers', () => {
  let app: TestApp;
  let tenant: Tenant;
  beforeAll(async () => {
    app = await startApp(); // no worker: each round is the test's own
    await app.api().GET(SEGMENTS);
    tenant = await tenantOf(app);
    await addCustomers(app, [{ id: 'ada', city: 'Rome' }, { id: 'bob', city: 'Bern' }]);
    // Far apart, so that the comparison takes several transactions.
    await app.sql(`UPDATE customers SET customer_no = 120001 WHERE tenant_id = $1 AND customer_id = 'bob'`, [tenant.id]);
    await app.sql('UPDATE changed_customers SET customer_no = 120001 WHERE customer_no NOT IN (SELECT customer_no FROM customers)');
    await follow();
  });
  afterAll(() => app.close());

  const follow = () => app.nest.get(SegmentSweeps, { strict: false }).followChanges(tenant);
  const create = async (criteria: object) => (await app.api().POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: criteria as never } })).data!.id;
  const members = async (id: string) =>
    (await app.sql<{ size: number; ids: string[] }>(`SELECT size, ARRAY(SELECT customer_id FROM segment_members m JOIN customers c USING (tenant_id, customer_no) WHERE m.tenant_id = s.tenant_id AND m.segment_no = s.segment_no ORDER BY 1) AS ids
      FROM segments s WHERE tenant_id = $1 AND segment_id = $2`, [tenant.id, id]))[0];
  const repaired = async (): Promise<Record<string, number>> => Object.fromEntries((await register.getSingleMetric('segment_repairs_total')!.get()).values.map(({ labels, value }) => [labels.what, value]));
  /** What a night finds, and whether another is due. */
  const night = async () => {
    await app.sql('UPDATE segment_repairs SET due_at = $2 WHERE tenant_id = $1', [tenant.id, app.clock.now()]);
    const before = await repaired();
    await app.nest.get(SegmentRepairs, { strict: false }).run(tenant);
    const after = await repaired();
    const [{ due }] = await app.sql<{ due: number }>('SELECT extract(epoch FROM due_at - $2)::float8 / 3600 AS due FROM segment_repairs WHERE tenant_id = $1', [tenant.id, app.clock.now()]) as [{ due: number }];
    return { members: after.members! - before.members!, sizes: after.sizes! - before.sizes!, again: due > 2 && due < 28 };
  };

  test('finds nothing where nothing is wrong, and is due again the next night only', async () => {
    expect(await night()).toEqual({ members: 0, sizes: 0, again: true });
    const [before] = await app.sql('SELECT * FROM segment_repairs WHERE tenant_id = $1', [tenant.id]);
    await app.nest.get(SegmentRepairs, { strict: false }).run(tenant);
    expect(await app.sql('SELECT * FROM segment_repairs WHERE tenant_id = $1', [tenant.id])).toEqual([before]);
  });

  test('puts back who is missing, takes out who does not belong, corrects a size, and says how many', async () => {
    const romans = await create({ city: 'Rome' });
    const behind = await create({ segment: { in: [romans] } });
    const { data: list } = await app.api().POST(SEGMENTS, { body: { name: 'List', type: 'static' } });
    const [row] = await app.sql<{ segment_no: number }>('SELECT segment_no FROM segments WHERE segment_id = $1', [romans]);
    await app.sql('DELETE FROM segment_members WHERE segment_no = $1', [row!.segment_no]);
    await app.sql('INSERT INTO segment_members VALUES ($1, $2, 120001), ($1, $2, 130001)', [tenant.id, row!.segment_no]); // the second is nobody
    await app.sql('UPDATE segments SET size = 7 WHERE segment_id = $1', [list!.id]);
    await app.sql('INSERT INTO segment_members SELECT tenant_id, segment_no, 250001 FROM segments WHERE segment_id = $1', [list!.id]); // beyond the last customer
    expect(await night()).toEqual({ members: 4, sizes: 2, again: true });
    expect(await members(romans)).toEqual({ size: 1, ids: ['ada'] });
    expect(await members(behind)).toEqual({ size: 1, ids: ['ada'] });
    expect(await members(list!.id)).toEqual({ size: 0, ids: [] });
    expect(await app.sql(`SELECT h.size, entered, exited FROM segment_history h JOIN segments s USING (tenant_id, segment_no) WHERE segment_id = ANY ($1) ORDER BY segment_no`, [[romans, behind, list!.id]]))
      .toEqual([{ size: 1, entered: 2, exited: 2 }, { size: 1, entered: 1, exited: 0 }, { size: 0, entered: 0, exited: 1 }]);
    expect(await night()).toEqual({ members: 0, sizes: 0, again: true });
  });

  test('takes no change that is still to be followed, and no passing of time, for a defect', async () => {
    const bernese = await create({ city: 'Bern' });
    const lapsed = await create({ last_order_days_ago: { gte: 5 } });
    await addCustomers(app, [{ id: 'ada', city: 'Bern', orders: { count: 1, spent: 100, ago: 0 } }]);
    expect(await night()).toMatchObject({ members: 0, sizes: 0 });
    expect(await members(bernese)).toEqual({ size: 2, ids: ['ada', 'bob'] });
    await follow();
    app.clock.advance(6 * DAY);
    expect(await night()).toMatchObject({ members: 0, sizes: 0 });
    expect(await members(lapsed)).toEqual({ size: 1, ids: ['ada'] });
  });

  test('goes on where it was stopped', async () => {
    const id = 'seg_all_customers';
    await app.sql('DELETE FROM segment_members m USING segments s WHERE m.tenant_id = $1 AND m.segment_no = s.segment_no AND s.segment_id = $2', [tenant.id, id]);
    await app.sql('UPDATE segment_repairs SET due_at = $2, next_no = 50000 WHERE tenant_id = $1', [tenant.id, app.clock.now()]);
    await app.nest.get(SegmentRepairs, { strict: false }).run(tenant);
    expect((await members(id))!.ids).toEqual(['bob']);
  });

  test('a long queue is followed a batch at a time, so that other tenants have their turn', async () => {
    const sweeps = app.nest.get(SegmentSweeps, { strict: false });
    await addCustomers(app, Array.from({ length: 5 }, (_, n) => ({ id: `one of ${n}`, city: 'Oslo' })));
    const left = async () => (await app.sql('SELECT 1 FROM changed_customers WHERE tenant_id = $1', [tenant.id])).length;
    const queued = await left();
    expect([await sweeps.followChanges(tenant, 2), await left()]).toEqual([true, queued - 2]);
    while (await sweeps.followChanges(tenant, 2)) expect(await left()).toBeLessThan(queued);
    expect(await left()).toBe(0);
  });

  test('a batch that takes too long is tried again in parts', async () => {
    const sweeps = app.nest.get(SegmentSweeps, { strict: false });
    await addCustomers(app, Array.from({ length: 20 }, (_, n) => ({ id: `slow ${n}`, city: 'Lima' })));
    // As PostgreSQL cancels a statement: no more than five members of a segment at once.
    await app.sql(`CREATE FUNCTION test_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT max(n) FROM (SELECT count(*) AS n FROM entered GROUP BY segment_no) each) > 5 THEN RAISE EXCEPTION 'too slow' USING ERRCODE = 'query_canceled'; END IF; RETURN NULL; END $$;
      CREATE TRIGGER test_slow AFTER INSERT ON segment_members REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION test_slow()`);
    try {
      while (await sweeps.followChanges(tenant, 2000));
    } finally {
      await app.sql('DROP TRIGGER test_slow ON segment_members; DROP FUNCTION test_slow()');
    }
    expect((await members('seg_all_customers'))!.ids.filter((id) => id.startsWith('slow'))).toHaveLength(20);
  });

  test('two workers do not do it twice', async () => {
    await app.sql('UPDATE segment_repairs SET due_at = $2, next_no = 0 WHERE tenant_id = $1', [tenant.id, app.clock.now()]);
    const database = app.nest.get(Database);
    await database.inTenant(tenant, async (tx) => {
      await tx.query('SELECT FROM segment_repairs WHERE tenant_id = $1 FOR UPDATE', [tenant.id]);
      await app.nest.get(SegmentRepairs, { strict: false }).run(tenant); // finds it taken
      expect(await tx.query('SELECT next_no FROM segment_repairs WHERE tenant_id = $1', [tenant.id])).toEqual([{ next_no: 0 }]);
    });
  });
});

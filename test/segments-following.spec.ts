import { Database } from '#database';
import { Jobs } from '#jobs';
import { PersonalData } from '#customers';
import { SEGMENT_CHANGED, Segments, SegmentUse } from '#segments';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers, tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { newTenant, token } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const SEGMENT = '/api/v1/marketing/segments/{segment_id}';
const MEMBERS = '/api/v1/marketing/segments/{segment_id}/members';
const DAY = 86_400_000;

describe('segments that follow', () => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await startApp({ worker: true });
    other = await startApp({ worker: true }); // a second worker, on the same queue of changes
  });
  afterAll(async () => {
    await app.close();
    await other.close();
  });

  const at = (segment_id: string) => ({ params: { path: { segment_id } } });
  const create = async (tenant: string, criteria: object) => (await app.api(['marketing'], tenant).POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: criteria as never } })).data!.id;
  // By SQL, for no token outlives a month that passes at once.
  const look = async (tenant: string, id: string) => {
    const [found] = await app.sql<{ size: number; members: string[] }>(`
      SELECT s.size, ARRAY(SELECT c.customer_id FROM segment_members m JOIN customers c USING (tenant_id, customer_no)
                            WHERE m.tenant_id = s.tenant_id AND m.segment_no = s.segment_no ORDER BY c.customer_no) AS members
        FROM segments s JOIN tenants t ON t.id = s.tenant_id WHERE t.name = $1 AND s.segment_id = $2`, [tenant, id]);
    return found;
  };
  const becomes = (tenant: string, id: string, members: string[], within: number) => eventually(async () => expect(await look(tenant, id)).toEqual({ size: members.length, members }), { within });

  test('data, within ten seconds: entering, leaving, and through another segment', async () => {
    const tenant = newTenant();
    const gold = await create(tenant, { loyalty_tier: 'gold' });
    const behind = await create(tenant, { segment: { in: [gold] }, order_count: { gte: 1 } });
    const outside = await create(tenant, { not: { segment: { in: [behind] } } });
    await addCustomers(app, [{ id: 'ada', loyalty_tier: 'gold' }, { id: 'bob' }], tenant);
    await becomes(tenant, gold, ['ada'], 10_000);
    await becomes(tenant, outside, ['ada', 'bob'], 10_000);
    await becomes(tenant, 'seg_all_customers', ['ada', 'bob'], 10_000);
    await addCustomers(app, [{ id: 'bob', loyalty_tier: 'gold', orders: { count: 1, spent: 100, ago: 0 } }], tenant);
    await becomes(tenant, behind, ['bob'], 10_000);
    await becomes(tenant, outside, ['ada'], 10_000);
    await addCustomers(app, [{ id: 'bob', loyalty_tier: null }], tenant);
    await becomes(tenant, gold, ['ada'], 10_000);
    await becomes(tenant, behind, [], 10_000);
  });

  test('orders that come as events, and conditions on the events themselves', async () => {
    const tenant = newTenant();
    const lovers = await create(tenant, { event: { name: 'order_completed', where: { 'order.items.product_id': 'margherita', 'order.total': { gte: 9.5 } }, count: { gte: 2 }, within: { last: 60, unit: 'day' } } });
    const strangers = await create(tenant, { event: { name: 'menu_viewed', count: 0 } });
    const order = (id: string, customer_id: string, total: number) => ({ id, type: 'order_completed', customer_id, occurred_at: new Date(app.clock.now().getTime() - DAY).toISOString(), order: { id, total, items: [{ id: '1', product_id: 'margherita', quantity: 1, unit_price: total }] } });
    const { response } = await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', {
      body: { events: [order('1', 'ada', 10), order('2', 'ada', 9.5), order('3', 'bob', 10), order('4', 'bob', 9.49), { id: '5', type: 'menu_viewed', customer_id: 'bob', occurred_at: app.clock.now().toISOString() }] as never },
    });
    expect(response.status).toBe(202);
    await becomes(tenant, lovers, ['ada'], 10_000);
    await becomes(tenant, strangers, ['ada'], 10_000);
  });

  test('who came and who went is told, once each', async () => {
    const tenant = newTenant();
    const told: { entered: number[]; exited: number[] }[] = [];
    const jobs = app.nest.get(Jobs);
    const publish = jobs.publish.bind(jobs);
    const id = await create(tenant, { city: 'Rome' });
    const spies = [jobs, other.nest.get(Jobs)].map((one) => {
      const spy = one;
      spy.publish = async (tx, of, event, data) => {
        if (event.name === SEGMENT_CHANGED.name && (data as { segment_id?: string }).segment_id === id) told.push(data as never);
        return publish(tx, of, event, data);
      };
      return spy;
    });
    await addCustomers(app, [{ id: 'ada', city: 'Rome' }, { id: 'bob', city: 'Bern' }], tenant);
    await becomes(tenant, id, ['ada'], 10_000);
    await addCustomers(app, [{ id: 'ada', city: 'Bern' }, { id: 'bob', city: 'Rome' }], tenant);
    await becomes(tenant, id, ['bob'], 10_000);
    expect(told.flatMap(({ entered }) => entered)).toHaveLength(2);
    expect(told.flatMap(({ exited }) => exited)).toHaveLength(1);
    for (const spy of spies) delete (spy as Partial<Jobs>).publish;
  });

  test('members put into a list move the segments that refer to it', async () => {
    const tenant = newTenant();
    await addCustomers(app, [{ id: 'ada', city: 'Rome' }, { id: 'bob' }], tenant);
    const { data: list } = await app.api(['marketing'], tenant).POST(SEGMENTS, { body: { name: 'List', type: 'static' } });
    const romans = await create(tenant, { segment: { in: [list!.id] }, city: 'Rome' });
    await app.api(['marketing'], tenant).POST(MEMBERS, { ...at(list!.id), body: { customer_ids: ['ada', 'bob'] } });
    expect(await look(tenant, romans)).toEqual({ size: 1, members: ['ada'] });
  });

  test('two workers and many changes: sizes stay what the members are, and the members who match', async () => {
    const tenant = newTenant();
    const ids = [await create(tenant, { loyalty_points: { gte: 5 } }), await create(tenant, { not: { loyalty_points: { gte: 5 } } })];
    const people = (points: (no: number) => number) => Array.from({ length: 60 }, (_, no) => ({ id: `c${no}`, loyalty_points: points(no) }));
    for (let round = 0; round < 4; round++) {
      await Promise.all([
        addCustomers(app, people((no) => (no * 7 + round) % 10), tenant),
        app.api(['marketing'], tenant).POST('/api/v1/marketing/segments/{segment_id}/refresh', at(ids[round % 2]!)),
      ]);
    }
    await eventually(async () => {
      const [truth] = await app.sql<{ high: number; low: number }>(`SELECT count(*) FILTER (WHERE loyalty_points >= 5)::int AS high, count(*) FILTER (WHERE loyalty_points < 5)::int AS low
        FROM customers JOIN tenants ON tenants.id = tenant_id WHERE name = $1`, [tenant]);
      const sizes = await app.sql<{ segment_id: string; size: number; counted: number }>(`SELECT s.segment_id, s.size, count(m.customer_no)::int AS counted FROM segments s JOIN tenants t ON t.id = s.tenant_id
        LEFT JOIN segment_members m ON m.tenant_id = s.tenant_id AND m.segment_no = s.segment_no WHERE t.name = $1 AND segment_id = ANY($2) GROUP BY 1, 2, s.segment_no ORDER BY s.segment_no`, [tenant, ids]);
      expect(sizes).toEqual([{ segment_id: ids[0], size: truth!.high, counted: truth!.high }, { segment_id: ids[1], size: truth!.low, counted: truth!.low }]);
    });
    // What came less what went is who is there: nothing was counted twice, or not at all.
    expect(await app.sql(`SELECT segment_id FROM segment_history h JOIN segments s USING (tenant_id, segment_no) WHERE segment_id = ANY ($1)
      GROUP BY segment_id, s.size HAVING sum(entered - exited) <> s.size OR (array_agg(h.size ORDER BY day DESC))[1] <> s.size`, [ids])).toEqual([]);
  });

  test('workers that die half-way lose no change', async () => {
    const tenant = newTenant();
    const id = await create(tenant, { city: 'Rome' });
    const [row] = await app.sql<{ segment_no: number }>('SELECT segment_no FROM segments WHERE segment_id = $1', [id]);
    // PostgreSQL cuts the session with the members written, the changes taken from the queue, and nothing committed.
    await app.sql(`CREATE SEQUENCE test_cuts;
      CREATE FUNCTION test_cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        IF NEW.segment_no = ${row!.segment_no} AND nextval('test_cuts') < 4 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;
      CREATE TRIGGER test_cut AFTER INSERT ON segment_members FOR EACH ROW EXECUTE FUNCTION test_cut()`);
    try {
      await addCustomers(app, [{ id: 'ada', city: 'Rome' }], tenant);
      await becomes(tenant, id, ['ada'], 30_000);
      expect(await app.sql('SELECT last_value::int AS attempts FROM test_cuts')).toEqual([{ attempts: 4 }]);
    } finally {
      await app.sql('DROP TRIGGER test_cut ON segment_members; DROP FUNCTION test_cut(); DROP SEQUENCE test_cuts');
    }
  });

  test('a file’s customers become the members of an imported segment', async () => {
    const tenant = newTenant();
    const make = async (type: 'imported' | 'static') => (await app.api(['marketing'], tenant).POST(SEGMENTS, { body: { name: 'File', type } })).data!.id;
    const id = await make('imported');
    const send = (to: string, by = tenant) => app.fetch(`${SEGMENTS}/${to}/import`, { method: 'POST', token: token(by), headers: { 'content-type': 'text/csv' }, body: 'customer_id,email\nada,ada@example.com\nbob,not an address\ncyd,cyd@example.com\n' });
    const response = await send(id);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id: expect.stringMatching(/^imp_/), total_rows: 3 });
    await becomes(tenant, id, ['ada', 'cyd'], 20_000);
    expect((await send(await make('static'))).status).toBe(409);
    expect((await send(id, newTenant())).status).toBe(404);
  });

  test('a forgotten customer leaves every segment, lists too', async () => {
    const name = newTenant();
    await addCustomers(app, [{ id: 'ada', loyalty_tier: 'gold' }, { id: 'bob', loyalty_tier: 'gold' }], name);
    await becomes(name, 'seg_loyalty_gold', ['ada', 'bob'], 10_000);
    const tenant = await tenantOf(app, name);
    const source = app.nest.get(PersonalData, { strict: false }).sources.find((one) => one.name === 'segments')!;
    await app.nest.get(Database).inTenant(tenant, async (tx) => {
      const [row] = await tx.query<{ customer_no: number }[]>(`SELECT customer_no FROM customers WHERE tenant_id = $1 AND customer_id = 'ada'`, [tenant.id]);
      const door = app.nest.get(Segments, { strict: false });
      const gold = await door.get(tx, tenant, 'seg_loyalty_gold');
      expect(await door.has(tx, tenant, gold!.no, row!.customer_no)).toBe(true);
      expect(await source.export(tx, tenant, row!.customer_no)).toContainEqual({ segment_id: 'seg_loyalty_gold', name: 'Gold Loyalty Members' });
      await source.erase(tx, tenant, row!.customer_no);
      expect(await door.has(tx, tenant, gold!.no, row!.customer_no)).toBe(false);
    });
    expect(await look(name, 'seg_loyalty_gold')).toEqual({ size: 1, members: ['bob'] });
  });

  test('a segment that another domain needs is not deleted', async () => {
    const tenant = newTenant();
    const id = await create(tenant, { city: 'Rome' });
    let reason: string | null = 'Campaign camp_001 is scheduled for it.';
    app.nest.get(SegmentUse, { strict: false }).register(async () => reason);
    const remove = () => app.api(['marketing'], tenant).DELETE(SEGMENT, at(id));
    expect((await remove()).error).toMatchObject({ status: 409, code: 'invalid_state', detail: reason });
    reason = null;
    expect((await remove()).response.status).toBe(204);
  });

  // Last: it moves the clock of both workers.
  test('time, within a minute, in segments and in events', async () => {
    const tenant = newTenant();
    await addCustomers(app, [{ id: 'ada', birthday: birthdayIn(40), orders: { count: 1, spent: 100, ago: 0 } }, { id: 'bob', birthday: birthdayIn(20), orders: { count: 1, spent: 100, ago: 40 * DAY } }], tenant);
    const birthdays = await create(tenant, { birthday: { in_next_days: 10 } });
    const quiet = await create(tenant, { segment: { in: ['seg_inactive_30'] } });
    const event = { id: 'e', type: 'menu_viewed', customer_id: 'ada', occurred_at: app.clock.now().toISOString() };
    await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events: [event] as never } });
    const viewers = await create(tenant, { event: { name: 'menu_viewed', within: { last: 2, unit: 'week' } } });
    await becomes(tenant, 'seg_inactive_30', ['bob'], 10_000);
    await becomes(tenant, 'seg_new_customers', ['ada', 'bob'], 10_000);
    await becomes(tenant, viewers, ['ada'], 10_000);
    expect(await look(tenant, birthdays)).toEqual({ size: 0, members: [] });
    for (const one of [app, other]) one.clock.advance(31 * DAY);
    await becomes(tenant, 'seg_inactive_30', ['ada', 'bob'], 60_000);
    await becomes(tenant, 'seg_new_customers', [], 60_000);
    await becomes(tenant, quiet, ['ada', 'bob'], 60_000);
    await becomes(tenant, viewers, [], 60_000);
    await becomes(tenant, birthdays, ['ada'], 60_000);
  }, 120_000);

  const birthdayIn = (days: number): string => `1990${new Date(app.clock.now().getTime() + days * DAY).toISOString().slice(4, 10)}`;
});

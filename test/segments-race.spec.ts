import { startApp, type TestApp } from './support/app.js';
import { addCustomers, tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { slowly } from './support/slowly.js';
import { newTenant } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const DAY = 86_400_000;

/**
 * A segment is made to refer to another while customers enter that other one: its members were computed before they came, and who follows
 * them cannot see it before it is committed. Unless the follower waits, nobody ever tells it of them.
 */
describe('a segment that is being made', () => {
  let maker: TestApp;
  let follower: TestApp;
  beforeAll(async () => {
    maker = await startApp();
    follower = await startApp({ worker: true });
  });
  afterAll(async () => {
    await maker.close();
    await follower.close();
  });

  const create = async (tenant: string, criteria: object) => (await maker.api(['marketing'], tenant).POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: criteria as never } })).data!.id;
  const members = async (tenant: string, segmentId: string) =>
    (await maker.sql<{ id: string }>(
      `SELECT c.customer_id AS id FROM segments s JOIN tenants t ON t.id = s.tenant_id JOIN segment_members m USING (tenant_id, segment_no) JOIN customers c USING (tenant_id, customer_no)
        WHERE t.name = $1 AND s.segment_id = $2 ORDER BY 1`, [tenant, segmentId],
    )).map(({ id }) => id);

  /** Either the follower waits for the one who makes the segment, or it has gone past it: both are what can happen next. */
  const followerCame = (tenant: string, segmentId: string, who: string) =>
    eventually(async () => {
      const { id } = await tenantOf(maker, tenant);
      const waiting = await maker.sql(
        `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1::int4::oid
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, [id],
      );
      expect(waiting.length > 0 || (await members(tenant, segmentId)).includes(who)).toBe(true);
    }, { within: 40_000 });

  test('misses nobody whom data brings in meanwhile', async () => {
    const tenant = newTenant();
    const gold = await create(tenant, { loyalty_tier: 'gold' });
    const letGo = await slowly(maker, () => create(tenant, { segment: { in: [gold] } }));
    await addCustomers(follower, [{ id: 'ada', loyalty_tier: 'gold' }], tenant);
    await followerCame(tenant, gold, 'ada');
    const behind = await letGo();
    await eventually(async () => expect(await members(tenant, gold)).toEqual(['ada']));
    await eventually(async () => expect(await members(tenant, behind)).toEqual(['ada']), { within: 5_000 });
  }, 60_000);

  test('misses nobody whom time brings in meanwhile', async () => {
    const tenant = newTenant();
    await addCustomers(follower, [{ id: 'bob', orders: { count: 1, spent: 100, ago: 29.5 * DAY } }], tenant);
    await eventually(async () => expect(await members(tenant, 'seg_new_customers')).toEqual(['bob']));
    const letGo = await slowly(maker, () => create(tenant, { segment: { in: ['seg_inactive_30'] } }));
    follower.clock.advance(DAY);
    await followerCame(tenant, 'seg_inactive_30', 'bob');
    const behind = await letGo();
    await eventually(async () => expect(await members(tenant, 'seg_inactive_30')).toEqual(['bob']), { within: 40_000 });
    await eventually(async () => expect(await members(tenant, behind)).toEqual(['bob']), { within: 5_000 });
  }, 100_000);

  test('is told in a currency that nobody changes meanwhile', async () => {
    const tenant = newTenant();
    const { id } = await tenantOf(maker, tenant);
    const letGo = await slowly(maker, () => create(tenant, { total_spent: { gte: 10.5 } }));
    const other = await startApp();
    const change = other.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { currency: 'JPY' } });
    const changed = () => maker.sql(`SELECT 1 FROM tenant_settings WHERE tenant_id = $1 AND currency = 'JPY'`, [id]);
    const waiting = () => maker.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%tenant_settings%'`);
    await eventually(async () => expect([...(await changed()), ...(await waiting())]).not.toEqual([]), { within: 40_000 }).finally(letGo); // either is what can happen next
    const segment = await letGo();
    expect((await change).error).toMatchObject({ status: 409, code: 'settings_in_use', detail: expect.stringContaining(segment) as string });
    await other.close();
  }, 60_000);
});

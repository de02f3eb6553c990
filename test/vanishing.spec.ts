import { Customers } from '#customers';
import { SegmentSweeps } from '#segments';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { slowly } from './support/slowly.js';
import { newTenant } from './support/tokens.js';

const AT = '2026-01-02T00:00:00.000Z';
const CUSTOMER = '/api/v1/marketing/customers/{customer_id}';
const SEGMENTS = '/api/v1/marketing/segments';

/**
 * A customer is erased or merged away, or a segment deleted, while others write under its name: either they are first, and whoever takes it
 * away waits and takes theirs along; or they wait, find it gone, and mean whoever has the name now.
 */
describe('what vanishes while others write', () => {
  let app: TestApp;
  let tenant: string;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = newTenant();
    for (const id of ['ada', 'old', 'new']) await put(id);
    list = (await api().POST(SEGMENTS, { body: { name: 'List', type: 'static' } })).data!.id;
    await api().POST('/api/v1/marketing/promos', { body: { code: 'TEN', type: 'percentage', value: 10 } });
  });
  let list: string;

  const api = () => app.api(['tenant_admin'], tenant);
  const path = (customer_id: string) => ({ params: { path: { customer_id } } });
  const put = (id: string) => api().PUT(CUSTOMER, { ...path(id), body: {} });
  const get = async (id: string) => (await api().GET(CUSTOMER, path(id))).data;
  const erase = (id: string) => api().DELETE(CUSTOMER, path(id));
  const merge = () => api().POST(`${CUSTOMER}/merge`, { ...path('new'), body: { from: 'old' } });
  const record = (customer_id: string) =>
    api().POST('/api/v1/marketing/events', { body: { events: [{ id: 'e1', type: 'order_completed', customer_id, occurred_at: AT, order: { id: 'o1', total: 5 }, properties: { note: 'secret' } }] as never } });
  const add = (id: string) => api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id: list } }, body: { customer_ids: [id] } });
  const redeem = (customer_id: string) =>
    api().POST('/api/v1/marketing/promos/redemptions', { body: { code: 'TEN', customer_id, order: { id: 'o1', items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } } });
  const follow = async () => app.nest.get(SegmentSweeps, { strict: false }).followChanges(await tenantOf(app, tenant));

  /** What is kept under the number of nobody and should not be. */
  const ghosts = async () => {
    const { id } = await tenantOf(app, tenant);
    const [found] = await app.sql(
      `SELECT (SELECT count(*)::int FROM segment_members m WHERE tenant_id = $1 AND customer_no NOT IN (SELECT customer_no FROM customers WHERE tenant_id = $1)) AS members,
              (SELECT count(*)::int FROM events WHERE tenant_id = $1 AND properties IS NOT NULL AND customer_no NOT IN (SELECT customer_no FROM customers WHERE tenant_id = $1)) AS events,
              (SELECT count(*)::int FROM promo_redemptions WHERE tenant_id = $1 AND customer_no NOT IN (SELECT customer_no FROM customers WHERE tenant_id = $1)) AS redemptions`, [id]);
    return found;
  };
  const NONE = { members: 0, events: 0, redemptions: 0 };

  /** Does it up to where it knows the customer's number, and no further until it is let go. */
  async function upToTheNumber<Result>(door: 'ensure' | 'hold', work: () => Promise<Result>): Promise<() => Promise<Result>> {
    const customers = app.nest.get(Customers, { strict: false });
    const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const resolve = customers[door].bind(customers);
    customers[door] = async (...of) => {
      const numbers = await resolve(...of);
      held.resolve();
      await gate.promise;
      return numbers;
    };
    const done = work();
    await held.promise;
    delete (customers as Partial<Customers>)[door];
    return () => (gate.resolve(), done);
  }

  /** Until it is over, or waits for another transaction: both are what can happen next. */
  async function tried<Result>(work: Promise<Result>): Promise<void> {
    let over = false;
    void work.finally(() => (over = true));
    await eventually(async () => {
      const waiting = await app.sql(`SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`);
      expect(over || waiting.length > 0).toBe(true);
    });
  }

  const WRITERS: [what: string, door: 'ensure' | 'hold', write: (id: string) => Promise<{ response: Response }>][] = [['events', 'ensure', record], ['members of a list', 'hold', add], ['redemptions', 'ensure', redeem]];

  test.each(WRITERS)('%s under way are erased with the customer', async (_, door, write) => {
    const letGo = await upToTheNumber(door, () => write('ada'));
    const erased = erase('ada');
    await tried(erased);
    expect((await letGo()).response.status).toBeLessThan(300);
    expect((await erased).response.status).toBe(204);
    expect(await ghosts()).toEqual(NONE);
    expect(await app.sql(`SELECT 1 FROM segments WHERE segment_id = $1 AND size <> 0`, [list])).toEqual([]);
  });

  test.each(WRITERS)('%s under way move to the survivor', async (_, door, write) => {
    const letGo = await upToTheNumber(door, () => write('old'));
    const merged = merge();
    await tried(merged);
    expect((await letGo()).response.status).toBeLessThan(300);
    expect((await merged).response.status).toBe(200);
    expect(await ghosts()).toEqual(NONE);
  });

  test.each(WRITERS)('%s that come while the customer is erased mean somebody new, or nobody', async (_, door, write) => {
    const letGo = await slowly(app, () => erase('ada'));
    const written = write('ada');
    await tried(written);
    await letGo();
    expect((await written).response.status).toBeLessThan(300);
    expect(await ghosts()).toEqual(NONE);
    expect(await get('ada')).toEqual(door === 'hold' ? undefined : expect.objectContaining({ customer_id: 'ada', order_count: write === record ? 1 : 0 }));
  });

  test.each(WRITERS)('%s that come while the customer is merged mean the survivor', async (_, _door, write) => {
    const letGo = await slowly(app, merge);
    const written = write('old');
    await tried(written);
    await letGo();
    expect((await written).response.status).toBeLessThan(300);
    expect(await ghosts()).toEqual(NONE);
    expect(await get('old')).toMatchObject({ customer_id: 'new', order_count: write === record ? 1 : 0 });
  });

  test.each([['erased', () => erase('ada')], ['merged', merge]] as const)('dynamic segments let go of who is %s while they are followed', async (_, vanish) => {
    const letGo = await slowly<unknown>(app, vanish);
    await follow();
    await letGo();
    await follow();
    expect(await ghosts()).toEqual(NONE);
    expect(await app.sql(`SELECT s.size FROM segments s JOIN tenants t ON t.id = s.tenant_id WHERE t.name = $1 AND segment_id = 'seg_all_customers'`, [tenant])).toEqual([{ size: 2 }]);
  });

  test('a storm of writers, merges and erasures leaves nothing behind, and fails nobody', async () => {
    const ids = Array.from({ length: 10 }, (_, n) => `c${n}`);
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below;
    const some = () => [...ids].sort(() => random(3) - 1);
    const order = (id: string, customer_id: string) => ({ id, type: 'order_completed', customer_id, occurred_at: AT, order: { id, total: 5 }, properties: { note: 'secret' } });
    const kinds: ((n: number) => Promise<{ response: Response }>)[] = [
      (n) => api().POST('/api/v1/marketing/events', { body: { events: some().map((id, index) => order(`s${n}-${index}`, id)) as never } }),
      (n) => api().POST('/api/v1/marketing/events', { body: { events: some().map((id, index) => ({ ...order(`r${n}-${index}`, id), type: 'order_refunded', order: { id: `s${random(n + 1)}-${index}`, amount: 1 } })) as never } }),
      (n) => api().POST('/api/v1/marketing/customers/batch', { body: { customers: some().map((customer_id) => ({ customer_id, attributes: { n } })) } }),
      (n) => api().PUT(CUSTOMER, { ...path(some()[0]!), body: { city: String(n), consents: { email: { status: 'subscribed' } } } }),
      () => api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id: list } }, body: { customer_ids: some() } }),
      (n) => api().POST('/api/v1/marketing/promos/redemptions', { body: { code: 'TEN', customer_id: some()[0]!, order: { id: `p${n}`, items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } } }),
      () => api().POST(`${CUSTOMER}/merge`, { ...path(some()[0]!), body: { from: some()[0]! } }),
      () => erase(some()[0]!),
    ];
    const following = (async () => { for (let n = 0; n < 10; n++) await follow(); })();
    const answers = await Promise.all(Array.from({ length: 240 }, (_, n) => kinds[random(kinds.length)]!(n)));
    await following;
    await follow();
    expect(answers.map(({ response }) => response.status).filter((status) => status >= 500)).toEqual([]);
    expect(await ghosts()).toEqual(NONE);
  }, 60_000);

  const NAMERS = [
    ['campaign', () => api().POST('/api/v1/marketing/campaigns', {
      body: { name: 'x', type: 'promotion', channels: ['email'], segment_id: list, content: { subject: 's', body: 'b' }, schedule: { start_date: new Date(Date.now() + 86_400_000).toISOString() } },
    })],
    ['promo', () => api().POST('/api/v1/marketing/promos', { body: { code: 'LISTED', type: 'percentage', value: 10, customer_segment_id: list } })],
  ] as const;
  const remove = () => api().DELETE(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: list } } });

  test.each(NAMERS)('a segment is not deleted under a %s that is being made', async (_, make) => {
    const letGo = await slowly<{ response: Response }>(app, make);
    const removed = remove();
    await tried(removed);
    expect((await letGo()).response.status).toBe(201);
    expect((await removed).error).toMatchObject({ code: 'invalid_state' });
  });

  test.each(NAMERS)('a %s does not name a segment that is being deleted', async (_, make) => {
    const letGo = await slowly(app, remove);
    const made: Promise<{ response: Response; error?: unknown }> = make();
    await tried(made);
    expect((await letGo()).response.status).toBe(204);
    expect((await made).error).toMatchObject({ code: 'segment_not_found' });
  });
});

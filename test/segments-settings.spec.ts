import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const SETTINGS = '/api/v1/marketing/settings';

/** 25 hours apart: it is never the same day in both. */
const EAST = 'Pacific/Kiritimati';
const WEST = 'Pacific/Niue';

describe('segments when settings change', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const at = (segment_id: string) => ({ params: { path: { segment_id } } });
  const create = async (tenant: string, criteria: object) => (await app.api(['marketing'], tenant).POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: criteria as never } })).data!.id;
  const change = (tenant: string, body: { timezone?: string; currency?: string }) => app.api(['tenant_admin'], tenant).PATCH(SETTINGS, { body });
  const sizeOf = async (tenant: string, id: string) => (await app.api(['marketing'], tenant).GET(`${SEGMENTS}/{segment_id}`, at(id))).data!.size;
  const today = (timeZone: string) => new Intl.DateTimeFormat('en-CA', { timeZone }).format(app.clock.now());

  test('follow the day to where it is now, and those that refer to them too', async () => {
    const tenant = newTenant();
    await change(tenant, { timezone: WEST });
    await addCustomers(app, [{ id: 'ada', birthday: `1990${today(EAST).slice(4)}` }, { id: 'bob', birthday: `1991${today(WEST).slice(4)}` }, { id: 'eve', birthday: `1992${today(EAST).slice(4)}` }], tenant);
    const birthdays = await create(tenant, { birthday: { in_next_days: 0 } });
    const others = await create(tenant, { not: { segment: { in: [birthdays] } } });
    expect([await sizeOf(tenant, birthdays), await sizeOf(tenant, others)]).toEqual([1, 2]);
    await eventually(async () => expect(await app.sql('SELECT 1 FROM changed_customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1', [tenant])).toEqual([])); // who are looked at anyway
    await change(tenant, { timezone: EAST });
    await eventually(async () => expect([await sizeOf(tenant, birthdays), await sizeOf(tenant, others)]).toEqual([2, 1]), { within: 10_000 });
  });

  test('keep a history that ends today, in order', async () => {
    const tenant = newTenant();
    await change(tenant, { timezone: EAST });
    const gold = await create(tenant, { loyalty_tier: 'gold' });
    await addCustomers(app, [{ id: 'ada', loyalty_tier: 'gold' }, { id: 'bob', loyalty_tier: 'gold' }], tenant);
    await eventually(async () => expect(await sizeOf(tenant, gold)).toBe(2), { within: 10_000 });
    await change(tenant, { timezone: WEST });
    await addCustomers(app, [{ id: 'bob', loyalty_tier: null }], tenant);
    await eventually(async () => expect(await sizeOf(tenant, gold)).toBe(1), { within: 10_000 });
    const { data } = await app.api(['marketing'], tenant).GET(`${SEGMENTS}/{segment_id}/history`, at(gold));
    expect(data!.data).toEqual([{ date: today(WEST), size: 1, entered: 2, exited: 1 }]);
    const days = await app.sql('SELECT h.day FROM segment_history h JOIN segments s USING (tenant_id, segment_no) WHERE s.segment_id = $1', [gold]);
    expect(days).toHaveLength(1); // no day ahead, which would tell an old size when it comes
  });

  test('hold a currency in which their criteria would mean nothing, until they are changed', async () => {
    const tenant = newTenant();
    const spenders = await create(tenant, { total_spent: { gte: 10.5 } });
    const { error } = await change(tenant, { currency: 'JPY' });
    expect(error).toMatchObject({ status: 409, code: 'settings_in_use', detail: expect.stringContaining(spenders) as string });
    expect((await app.api(['marketing'], tenant).GET(SETTINGS)).data).toMatchObject({ currency: 'USD' });
    await app.api(['marketing'], tenant).PATCH(`${SEGMENTS}/{segment_id}`, { ...at(spenders), body: { criteria: { total_spent: { gte: 10 } } as never } });
    expect((await change(tenant, { currency: 'JPY' })).data).toMatchObject({ currency: 'JPY' });
  });

  test('one whose criteria can no longer be read is not said to have been computed', async () => {
    const tenant = newTenant();
    const broken = await create(tenant, { total_spent: { gte: 10 } });
    await app.sql(`UPDATE segments SET criteria = '{"shoe_size": 44}' WHERE segment_id = $1`, [broken]);
    const { error } = await app.api(['marketing'], tenant).POST(`${SEGMENTS}/{segment_id}/refresh`, at(broken));
    expect(error).toMatchObject({ status: 409, code: 'invalid_state', detail: expect.stringContaining('shoe_size') as string });
  });
});

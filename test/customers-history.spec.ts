import { Database } from '#database';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { newTenant } from './support/tokens.js';

describe('what is known of a customer', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const path = { customer_id: 'ada' };
  const put = (tenant: string, body: object) => app.api(['marketing'], tenant).PUT('/api/v1/marketing/customers/{customer_id}', { params: { path }, body });
  const record = (tenant: string, events: object[]) => app.api(['marketing'], tenant).POST('/api/v1/marketing/events', { body: { events: events as never } });

  test('the timeline is newest first and pages through entries of one instant', async () => {
    const tenant = newTenant();
    await put(tenant, { email: 'ada@example.com', consents: { email: { status: 'subscribed', source: 'form', at: '2026-01-02T00:00:00Z' } } });
    await record(tenant, Array.from({ length: 9 }, (_, n) => ({ id: `e${n}`, type: 'menu_viewed', customer_id: 'ada', occurred_at: n < 6 ? '2026-01-02T00:00:00Z' : '2026-01-03T00:00:00Z' })));
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}/timeline', { params: { path, query: { limit: 4, cursor } } });
      seen.push(...data!.data.map((entry) => `${entry.at.slice(0, 10)} ${entry.type} ${'id' in entry.data ? entry.data.id : 'status' in entry.data ? entry.data.status : ''}`));
      if (data!.meta.next_cursor === null) break;
      cursor = data!.meta.next_cursor;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
    expect(seen.slice(0, 3).every((entry) => entry.startsWith('2026-01-03'))).toBe(true);
    expect(seen).toContain('2026-01-02 consent subscribed');
  });

  test('what comes in between two pages, of one instant with what was seen, makes the timeline repeat nothing', async () => {
    const tenant = newTenant();
    const at = '2026-05-05T00:00:00.123Z';
    const consents = (status: 'subscribed' | 'unsubscribed') => ({ email: { status, at }, sms: { status, at }, push: { status, at } });
    await put(tenant, { consents: consents('subscribed') });
    await put(tenant, { consents: consents('unsubscribed') });
    const events = (ids: string[]) => record(tenant, ids.map((id) => ({ id, type: 'menu_viewed', customer_id: 'ada', occurred_at: at })));
    const old = Array.from({ length: 30 }, (_, n) => `m${String(n).padStart(2, '0')}`);
    await events(old);
    for (const type of [undefined, 'event', 'consent'] as const) {
      const seen: string[] = [];
      let page = 0;
      for (let cursor: string | undefined; ; page++) {
        const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}/timeline', { params: { path, query: { limit: 4, cursor, type } } });
        seen.push(...data!.data.map((entry) => ('id' in entry.data ? String(entry.data.id) : JSON.stringify(entry.data))));
        if (data!.meta.next_cursor === null) break;
        cursor = data!.meta.next_cursor;
        await events([`a${type}${page}`, `m05-${type}${page}`, `z${type}${page}`]);
      }
      expect([type, seen.filter((one, index) => seen.indexOf(one) !== index)]).toEqual([type, []]);
      expect([type, [...(type === 'consent' ? [] : old)].filter((id) => !seen.includes(id))]).toEqual([type, []]);
      expect([type, seen.filter((one) => one.startsWith('{')).length]).toEqual([type, type === 'event' ? 0 : 6]);
    }
  });

  test('the timeline tells redemptions and what was taken back, and only what is asked for', async () => {
    const tenant = newTenant();
    const api = app.api(['marketing'], tenant);
    await put(tenant, { consents: { email: { status: 'subscribed' } } });
    await api.POST('/api/v1/marketing/promos', { body: { code: 'SAVE10', type: 'percentage', value: 10 } });
    const redeem = (id: string) => api.POST('/api/v1/marketing/promos/redemptions', { body: { code: 'SAVE10', customer_id: 'ada', order: { id, items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } } });
    await redeem('kept');
    const { data } = await redeem('returned');
    await api.POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: (data as { id: string }).id } } });
    const told = async (type?: 'redemption' | 'rollback' | 'merge') => {
      const { data: page } = await api.GET('/api/v1/marketing/customers/{customer_id}/timeline', { params: { path, query: { type } } });
      return page!.data.map((entry) => `${entry.type} ${'order_id' in entry.data ? entry.data.order_id : ''}`);
    };
    expect(await told()).toEqual(['rollback returned', 'redemption returned', 'redemption kept', 'consent ']);
    expect(await told('redemption')).toEqual(['redemption returned', 'redemption kept']);
    expect(await told('rollback')).toEqual(['rollback returned']);
    expect(await told('merge')).toEqual([]);
    const wrong = await app.fetch('/api/v1/marketing/customers/ada/timeline?type=nothing');
    expect([wrong.status, await wrong.json()]).toEqual([400, expect.objectContaining({ code: 'validation_failed' })]);
  });

  test('nobody rewrites what customers said: the application may only add to the log', async () => {
    const tenant = await tenantOf(app);
    await app.api().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'logged' } }, body: { consents: { email: { status: 'unsubscribed' } } } });
    for (const statement of [`UPDATE consent_log SET status = 'subscribed'`, 'DELETE FROM consent_log', 'TRUNCATE consent_log']) {
      await expect(app.nest.get(Database).inTenant(tenant, (tx) => tx.query(statement))).rejects.toThrow('permission denied for table consent_log');
    }
  });

  test('an erased customer is in no table; an opted-out address stays so', async () => {
    const tenant = newTenant();
    await put(tenant, { email: 'Unmistakable@example.com', first_name: 'Unmistakable', attributes: { note: 'Unmistakable' }, consents: { email: { status: 'unsubscribed' } } });
    await record(tenant, [
      { id: 'e1', type: 'menu_viewed', customer_id: 'ada', occurred_at: '2026-01-02T00:00:00Z', properties: { name: 'Unmistakable' } },
      { id: 'e2', type: 'order_completed', customer_id: 'ada', occurred_at: '2026-01-02T00:00:00Z', order: { id: 'o', total: 5, items: [{ name: 'for Unmistakable' }] } },
    ]);
    const exported = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}/export', { params: { path } });
    expect(exported.data).toMatchObject({ customer_id: 'ada', data: { profile: { email: 'unmistakable@example.com', total_spent: 5, consent_history: [{ status: 'unsubscribed' }] }, events: { events: [{}, {}], orders: [{ total: 5, refunded: 0 }] } } });
    const erase = (roles: ['marketing'] | ['tenant_admin']) => app.api(roles, tenant).DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path } });
    expect((await erase(['marketing'])).error).toMatchObject({ code: 'forbidden' });
    expect((await erase(['tenant_admin'])).response.status).toBe(204);
    expect((await erase(['tenant_admin'])).error).toMatchObject({ code: 'customer_not_found' });
    const tables = await app.sql<{ name: string }>(`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`);
    for (const { name } of tables) {
      const [found] = await app.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${name} row WHERE row::text ILIKE '%unmistakable%'`);
      expect([name, found!.n]).toEqual([name, 0]);
    }
    const back = await put(tenant, { email: 'unmistakable@example.com', consents: { email: { status: 'subscribed' } } });
    expect(back.response.status).toBe(201);
    expect(back.data).toMatchObject({ order_count: 0, consents: { email: { status: 'unsubscribed' } } });
  });

  test('segments may ask what customers did', async () => {
    const tenant = newTenant();
    const order = (id: string, customer_id: string, product_id: string, total: number) =>
      ({ id, type: 'order_completed', customer_id, occurred_at: '2026-01-02T00:00:00Z', order: { id: `o-${id}`, total, items: [{ product_id: 'water' }, { product_id }] } });
    await record(tenant, [
      order('1', 'a', 'margherita', 10), order('2', 'a', 'margherita', 20), order('3', 'b', 'margherita', 30), order('4', 'c', 'soup', 30),
      { ...order('5', 'b', 'margherita', 30), order: { id: 'o-3', total: 30 } }, // the same order, told again
      { id: '6', type: 'page_viewed', customer_id: 'c', occurred_at: '2026-01-02T00:00:00Z', properties: { page: { tags: ['x', 'y'] } } },
    ]);
    const size = async (event: object) => {
      const { data } = await app.api(['marketing'], tenant).POST('/api/v1/marketing/segments/preview', { body: { criteria: { event } } as never });
      return data!.size;
    };
    expect(await size({ name: 'order_completed', where: { 'order.items.product_id': 'margherita' } })).toBe(2);
    expect(await size({ name: 'order_completed', where: { 'order.items.product_id': 'margherita' }, count: { gte: 2 } })).toBe(1);
    expect(await size({ name: 'order_completed', count: { eq: 1 } })).toBe(2);
    expect(await size({ name: 'order_completed', where: { 'order.total': { gte: 30 } } })).toBe(2);
    expect(await size({ name: 'page_viewed', where: { 'properties.page.tags': { contains: 'y' } } })).toBe(1);
  });
});

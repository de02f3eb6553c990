import { startApp, type TestApp } from './support/app.js';
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
      seen.push(...data!.data.map((entry) => `${entry.at.slice(0, 10)} ${entry.type} ${String(entry.data.id ?? entry.data.status)}`));
      if (data!.meta.next_cursor === null) break;
      cursor = data!.meta.next_cursor;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
    expect(seen.slice(0, 3).every((entry) => entry.startsWith('2026-01-03'))).toBe(true);
    expect(seen).toContain('2026-01-02 consent subscribed');
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

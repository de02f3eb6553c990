import { CriteriaFields, parseCriteria } from '#segments';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers, tenantOf } from './support/customers.js';
import { newTenant } from './support/tokens.js';

const FIELDS = '/api/v1/marketing/segments/fields';
const VALUES = '/api/v1/marketing/segments/fields/{name}/values';

describe('what a builder of criteria is drawn from', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  const fields = async (tenant = app.tenant) => (await app.api(['marketing'], tenant).GET(FIELDS)).data!;

  test('every field has what it takes, and its own example is criteria', async () => {
    const { data, operators } = await fields();
    const known = app.nest.get(CriteriaFields, { strict: false });
    const takes = new Map(operators.map((operator) => [operator.name, operator.takes]));
    for (const { name, example, ...field } of data) {
      const asked = name.replace('<name>', 'dish');
      expect([name, parseCriteria({ [asked]: example }, '', { fields: known, currency: 'USD' }).faults]).toEqual([name, []]);
      expect([name, field.operators.every((operator) => takes.has(operator))]).toEqual([name, true]);
      // What an operator takes, it takes: of the values that the field's example is made of.
      const [value] = Object.values(example).flat();
      const operand = { value, list: [value], pair: [value, value], text: 'an', boolean: true, days: 7 };
      for (const operator of field.operators) {
        if (field.type === 'relation' || typeof value === 'boolean' || (field.type === 'date' && takes.get(operator) !== 'days')) continue;
        const { faults } = parseCriteria({ [asked]: { [operator]: operand[takes.get(operator)!] } }, '', { fields: known, currency: 'USD' });
        if (!['email', 'phone'].includes(name)) expect([name, operator, faults]).toEqual([name, operator, []]);
      }
    }
    expect(new Set(data.map(({ group }) => group))).toEqual(new Set(['profile', 'consent', 'orders', 'time', 'campaigns']));
    expect(data).toContainEqual(expect.objectContaining({ name: 'overdue_ratio', can_be_missing: true, moves_with_time: true, unit: null }));
    expect(data).toContainEqual(expect.objectContaining({ name: 'campaign.opened', references: 'campaigns', suggests: false }));
    expect(data).toContainEqual(expect.objectContaining({ name: 'order_count', can_be_missing: false, moves_with_time: false }));
  });

  test('amounts are in the tenant’s currency, and events have their paths', async () => {
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { currency: 'EUR' } });
    const { data, event, limits } = await fields(tenant);
    expect(data.find(({ name }) => name === 'total_spent')!.unit).toBe('EUR');
    expect(data.find(({ name }) => name === 'last_order_days_ago')!.unit).toBe('days');
    expect(event!.names).toEqual(expect.arrayContaining(['order_completed', 'order_refunded', 'menu_viewed']));
    const where = Object.fromEntries(event!.where.map(({ path, type, unit }) => [path, unit === null ? type : `${type} ${unit}`]));
    expect(where).toEqual({
      'order.id': 'text', 'order.total': 'money EUR', 'order.promo_code': 'text', 'order.location_id': 'text', 'order.channel': 'text', 'order.items.id': 'text', 'order.items.product_id': 'text',
      'order.items.name': 'text', 'order.items.category_ids': 'list', 'order.items.quantity': 'number', 'order.items.unit_price': 'number EUR', 'properties.<name>': 'attribute',
    });
    expect(limits).toEqual({ depth: 5, leaves: 50, values: 500, bytes: 16_384, events: 5 });
  });

  test('every path of events takes its example, and so much of an order', async () => {
    const { event } = await fields();
    const known = app.nest.get(CriteriaFields, { strict: false });
    const faults = (where: object) => parseCriteria({ event: { name: 'order_completed', where } }, '', { fields: known, currency: 'USD' }).faults.map(({ pointer, code }) => `${pointer} ${code}`);
    for (const { path, example, operators } of event!.where) {
      const asked = path.replace('<name>', 'dish');
      expect([path, faults({ [asked]: example })]).toEqual([path, []]);
      const [value] = Object.values(example).flat();
      for (const operator of operators) expect([path, operator, faults({ [asked]: { [operator]: ['in', 'nin'].includes(operator) ? [value] : operator === 'between' ? [value, value] : operator === 'exists' ? true : ['contains', 'starts_with'].includes(operator) ? 'a' : value } })]).toEqual([path, operator, []]);
    }

    const order = { id: 'o1', total: 30, promo_code: 'summer', items: [{ product_id: 'margherita', name: 'Pizza', category_ids: ['pizza', 'hot'], quantity: 2, unit_price: 9.5 }, { product_id: 'cola', quantity: 3, unit_price: 3 }] };
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/events', { body: { events: [{ id: 'e1', type: 'order_completed', customer_id: 'ada', occurred_at: '2026-01-02T00:00:00Z', order }, { id: 'e2', type: 'order_completed', customer_id: 'bob', occurred_at: '2026-01-02T00:00:00Z', order: { id: 'o2', total: 1 } }] as never } });
    const preview = (where: object) => app.api(['marketing'], tenant).POST('/api/v1/marketing/segments/preview', { body: { criteria: { event: { name: 'order_completed', where } } } });
    for (const where of [
      { 'order.items.product_id': 'cola' }, { 'order.items.product_id': { in: ['cola'] } }, { 'order.items.category_ids': 'hot' }, { 'order.items.category_ids': { contains: 'pizza' } },
      { 'order.items.category_ids': { exists: true } }, { 'order.items.quantity': { gt: 2 } }, { 'order.items.unit_price': { between: [9, 9.5] } }, { 'order.items.name': { starts_with: 'Piz' } }, { 'order.promo_code': ' Summer' }, { 'order.promo_code': { starts_with: 'sum' } }, { 'order.total': 30 },
    ]) expect([where, (await preview(where)).data?.sample.map((one) => one.customer_id)]).toEqual([where, ['ada']]);
    expect((await preview({ 'order.items.category_ids': { ne: 'hot' } })).data!.sample).toMatchObject([{ customer_id: 'bob' }]);

    // What nobody could match is told.
    for (const [where, code] of [
      [{ 'order.items': 'margherita' }, 'unknown_field'], [{ 'order.items.sku': 'margherita' }, 'unknown_field'], [{ 'order.total.x': 1 }, 'unknown_field'], [{ 'order.items.quantity': 'two' }, 'invalid_value'],
      [{ 'order.items.product_id': 3 }, 'invalid_value'], [{ 'order.id': { gte: 'a' } }, 'unsupported_operator'],
    ] as const) {
      const { error } = await preview(where);
      expect([where, error?.code, error?.errors]).toEqual([where, 'invalid_segment_criteria', [expect.objectContaining({ code, pointer: expect.stringMatching(/^\/criteria\/event\/where\/order\./) })]]);
    }
  });

  describe('suggested values', () => {
    const values = async (name: string, q?: string, tenant = app.tenant) => {
      const { data, error } = await app.api(['marketing'], tenant).GET(VALUES, { params: { path: { name }, query: { q } } });
      return data ?? error;
    };
    beforeAll(() => addCustomers(app, [
      { id: 'ada', city: 'Rome', tags: ['vip', 'lunch'], attributes: { dish: 'margherita', visits: 3 } },
      { id: 'bob', city: 'Rome', tags: ['vip'], attributes: { dish: 'marinara' } },
      { id: 'cyd', city: 'Bern', attributes: { visits: 3 } },
      { id: 'dan' },
    ]));

    test('are the tenant’s own, the most frequent first', async () => {
      expect(await values('city')).toEqual({ data: [{ value: 'Rome', size: 2 }, { value: 'Bern', size: 1 }], approximate: false });
      expect(await values('tags')).toMatchObject({ data: [{ value: 'vip', size: 2 }, { value: 'lunch', size: 1 }] });
      expect(await values('consent.sms')).toMatchObject({ data: [{ value: 'unknown', size: 4 }] });
      expect(await values('attributes.visits')).toMatchObject({ data: [{ value: 3, size: 2 }] });
      expect(await values('attributes')).toMatchObject({ data: [{ value: 'dish', size: 2 }, { value: 'visits', size: 2 }] });
      expect(await values('city', undefined, newTenant())).toEqual({ data: [], approximate: false });
    });

    test('can be looked for by a part of them', async () => {
      expect(await values('attributes.dish', 'NARA')).toMatchObject({ data: [{ value: 'marinara', size: 1 }] });
      expect(await values('attributes.visits', '3')).toMatchObject({ data: [{ value: 3, size: 2 }] });
      expect(await values('city', "%' OR 1=1 --")).toMatchObject({ data: [] });
    });

    test('of events are what customers did of late', async () => {
      const event = (id: string, type: string, customer_id: string, daysAgo: number) => ({ id, type, customer_id, occurred_at: new Date(app.clock.now().getTime() - daysAgo * 86_400_000).toISOString() });
      await app.api().POST('/api/v1/marketing/events', { body: { events: [event('1', 'table_booked', 'ada', 1), event('2', 'table_booked', 'ada', 2), event('3', 'table_booked', 'bob', 60), event('4', 'menu_viewed', 'bob', 1), event('5', 'survey_answered', 'cyd', 100)] as never } });
      expect(await values('event')).toEqual({ data: [{ value: 'table_booked', size: 2 }, { value: 'menu_viewed', size: 1 }], approximate: false });
    });

    test('of many customers are estimates from a sample', async () => {
      const tenant = newTenant();
      await app.api(['marketing'], tenant).GET(FIELDS);
      // Every tenth is from Bern: a sample that took every tenth would find all of them or none.
      await app.sql(`INSERT INTO customers (tenant_id, customer_no, customer_id, city, created_at, updated_at) SELECT $1, n, n, CASE n % 10 WHEN 0 THEN 'Bern' ELSE 'Rome' END, now(), now() FROM generate_series(0, 49999) n`, [(await tenantOf(app, tenant)).id]);
      const found = (await values('city', undefined, tenant)) as { data: { value: string; size: number }[]; approximate: boolean };
      expect(found.approximate).toBe(true);
      expect(found.data.map(({ value }) => value)).toEqual(['Rome', 'Bern']);
      expect(found.data[0]!.size + found.data[1]!.size).toBe(50_000);
      expect(found.data[1]!.size).toBeGreaterThan(4_000);
      expect(found.data[1]!.size).toBeLessThan(6_000);
    });

    test('are not of fields that tell customers apart, nor of none', async () => {
      for (const name of ['email', 'total_spent', 'campaign.opened', 'nope', 'attributes.', '__proto__']) expect([name, await values(name)]).toEqual([name, expect.objectContaining({ status: 404, code: 'segment_field_not_found' })]);
    });
  });
});

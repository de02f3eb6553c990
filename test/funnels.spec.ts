import { startApp, type TestApp } from './support/app.js';
import { plant, type Planted } from './support/funnel-data.js';
import { newTenant } from './support/tokens.js';

/** Anna goes all the way, Ben puts things into a cart, Cleo has bought before she ever looked. */
const JANUARY: Planted = {
  events: [
    { customer: 1, stage: 'awareness', at: '2026-01-02T10:00:00Z' },
    { customer: 1, stage: 'interest', at: '2026-01-02T11:00:00Z' },
    { customer: 1, stage: 'consideration', at: '2026-01-03T11:00:00Z' },
    { customer: 1, stage: 'purchase', at: '2026-01-03T11:00:00Z' },
    { customer: 1, stage: 'purchase', at: '2026-01-10T11:00:00Z' },
    { customer: 2, stage: 'awareness', at: '2026-01-05T10:00:00Z' },
    { customer: 2, stage: 'interest', at: '2026-01-05T13:00:00Z' },
    { customer: 2, stage: 'consideration', at: '2026-01-05T14:00:00Z' },
    { customer: 3, stage: 'purchase', at: '2026-01-01T08:00:00Z' },
    { customer: 3, stage: 'awareness', at: '2026-01-02T08:00:00Z' },
  ],
  orders: [
    { customer: 1, at: '2026-01-03T11:00:00Z' },
    { customer: 1, at: '2026-01-10T11:00:00Z' },
    { customer: 3, at: '2026-01-01T08:00:00Z' },
  ],
};

const PERIOD = { start_date: '2026-01-01', end_date: '2026-01-24' };

describe('funnels', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const funnel = async (tenant: string, query: Record<string, unknown>) => {
    const { data, error } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/funnels', { params: { query: query } });
    if (error !== undefined) throw new Error(JSON.stringify(error));
    return data;
  };
  const counts = async (tenant: string, query: Record<string, unknown>) => (await funnel(tenant, query)).stages.map((stage) => stage.count);

  test('the page’s request is answered in the page’s shape', async () => {
    const tenant = newTenant();
    await plant(app, tenant, JANUARY);
    expect(await funnel(tenant, { funnel_type: 'onboarding', ...PERIOD })).toEqual({
      funnel_type: 'onboarding',
      period: { start: '2026-01-01', end: '2026-01-24' },
      stages: [
        { stage: 'awareness', count: 3, percentage: 100 },
        { stage: 'interest', count: 2, percentage: 66.7, drop_off: 33.3, median_seconds_from_previous: 7200 },
        { stage: 'consideration', count: 2, percentage: 66.7, drop_off: 0, median_seconds_from_previous: 45_000 },
        { stage: 'purchase', count: 1, percentage: 33.3, drop_off: 33.3, median_seconds_from_previous: 0 },
        { stage: 'activation', count: 1, percentage: 33.3, drop_off: 0, median_seconds_from_previous: 604_800 },
      ],
      overall_conversion: 33.3,
    });
  });

  test('events as they come in make the funnel, orders make its activation', async () => {
    const tenant = newTenant();
    const event = (id: number, type: string, order?: { id: string; total: number; items: [] }) => ({ id: `evt_${id}`, type, customer_id: 'cust_1', occurred_at: `2026-01-0${id}T12:00:00Z`, ...(order && { order }) });
    const { data } = await app.api(['marketing'], tenant).POST('/api/v1/marketing/events', {
      body: {
        events: [
          event(5, 'order_completed', { id: 'ord_2', total: 25, items: [] }), // late events come in any order
          event(1, 'touchpoint'),
          event(2, 'menu_viewed'),
          event(3, 'cart_item_added'),
          event(4, 'order_completed', { id: 'ord_1', total: 20, items: [] }),
        ],
      },
    });
    expect(data).toMatchObject({ accepted: 5, rejected: [] });
    expect(await counts(tenant, { funnel_type: 'onboarding', ...PERIOD })).toEqual([1, 1, 1, 1, 1]);
    expect(await counts(tenant, { funnel_type: 'onboarding', start_date: '2026-01-01', end_date: '2026-01-04' })).toEqual([1, 1, 1, 1, 0]);
  });

  test('nobody: zeros', async () => {
    const empty = await funnel(newTenant(), { funnel_type: 'purchase', ...PERIOD });
    expect(empty.stages.map((stage) => stage.stage)).toEqual(['awareness', 'interest', 'consideration', 'intent', 'purchase']);
    expect(empty.stages[0]).toEqual({ stage: 'awareness', count: 0, percentage: 0 });
    expect(empty.stages[4]).toEqual({ stage: 'purchase', count: 0, percentage: 0, drop_off: 0, median_seconds_from_previous: null });
    expect(empty.overall_conversion).toBe(0);
  });

  test('the first event of each stage is not what counts: a chain may start later', async () => {
    const tenant = newTenant();
    const at = (hour: number) => `2026-01-05T${String(hour).padStart(2, '0')}:00:00Z`;
    await plant(app, tenant, {
      events: [
        { customer: 1, stage: 'purchase', at: at(8) },
        { customer: 1, stage: 'interest', at: at(9) },
        { customer: 1, stage: 'purchase', at: at(10) },
        { customer: 2, stage: 'purchase', at: at(8) },
        { customer: 2, stage: 'interest', at: at(9) },
      ],
    });
    expect(await counts(tenant, { stages: 'interest,purchase', ...PERIOD })).toEqual([2, 1]);
  });

  test('which order is the second counts over all orders, not the period’s', async () => {
    const tenant = newTenant();
    const orders = [
      { customer: 1, at: '2025-06-01T12:00:00Z' }, // 1: first long ago, the second within
      { customer: 1, at: '2026-01-10T12:00:00Z' },
      { customer: 2, at: '2025-05-01T12:00:00Z' }, // 2: third and fourth within
      { customer: 2, at: '2025-06-01T12:00:00Z' },
      { customer: 2, at: '2026-01-10T12:00:00Z' },
      { customer: 2, at: '2026-01-11T12:00:00Z' },
    ];
    await plant(app, tenant, { orders, events: orders.map((order) => ({ ...order, stage: 'purchase' })) });
    expect(await counts(tenant, { stages: 'purchase,activation', ...PERIOD })).toEqual([2, 1]);
    expect(await counts(tenant, { stages: 'purchase,retention', ...PERIOD })).toEqual([2, 1]);
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { funnels: { retention_from_order: 5 } } });
    expect(await counts(tenant, { stages: 'purchase,retention', ...PERIOD })).toEqual([2, 0]);
  });

  test('the tenant may put evaluation into the purchase funnel', async () => {
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { funnels: { purchase_with_evaluation: true } } });
    const { stages } = await funnel(tenant, { funnel_type: 'purchase', ...PERIOD });
    expect(stages.map((stage) => stage.stage)).toEqual(['awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase']);
  });

  test('a day begins at midnight of the tenant’s zone, and has 23 hours when clocks spring forward', async () => {
    const tenant = newTenant();
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { timezone: 'Europe/Berlin' } });
    await plant(app, tenant, {
      events: ['2026-03-28T22:59:59.999Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59.999Z', '2026-03-29T22:00:00Z'].flatMap((at, index) => [
        { customer: index, stage: 'awareness', at },
        { customer: index, stage: 'interest', at },
      ]),
    });
    expect(await counts(tenant, { stages: 'awareness,interest', start_date: '2026-03-29', end_date: '2026-03-29' })).toEqual([2, 2]);
  });

  test('without dates: the last thirty days, today included', async () => {
    const day = (offset: number) => new Date(app.clock.now().getTime() + offset * 86_400_000).toISOString().slice(0, 10);
    const { period, funnel_type } = await funnel(newTenant(), { stages: 'interest,purchase' });
    expect(funnel_type).toBe('custom');
    expect(period).toEqual({ start: day(-29), end: day(0) });
    expect((await funnel(newTenant(), { funnel_type: 'retention', end_date: '2026-03-01' })).period).toEqual({ start: '2026-01-31', end: '2026-03-01' });
  });

  test('another tenant’s customers are not counted', async () => {
    await plant(app, newTenant(), JANUARY);
    expect(await counts(newTenant(), { funnel_type: 'onboarding', ...PERIOD })).toEqual([0, 0, 0, 0, 0]);
  });

  test.each([
    ['', 'funnel_type'],
    ['funnel_type=loyalty', 'funnel_type'],
    ['stages=interest', 'stages'],
    ['stages=', 'stages'],
    ['stages=interest,fame', 'stages'],
    ['stages=interest,purchase,interest', 'stages'],
    ['stages=interest,purchase,a,b,c,d,e,f,g,h,i', 'stages'],
    ['funnel_type=purchase&start_date=2026-02-30', 'start_date'],
    ['funnel_type=purchase&start_date=2026-01-01T00:00:00Z', 'start_date'],
    ['funnel_type=purchase&end_date=yesterday', 'end_date'],
    ['funnel_type=purchase&start_date=2026-01-02&end_date=2026-01-01', 'end_date'],
    ['funnel_type=purchase&start_date=2999-01-01', 'start_date'],
    ['funnel_type=purchase&start_date=2020-01-01&end_date=2025-01-04', 'end_date'],
    ['funnel_type=purchase&window=7', 'window'],
  ])('?%s is refused, naming %s', async (query, parameter) => {
    const response = await app.fetch(`/api/v1/marketing/funnels?${query}`);
    expect(response.status).toBe(400);
    const problem = (await response.json()) as { code: string; errors: { parameter: string }[] };
    expect(problem.code).toBe('validation_failed');
    expect(problem.errors.map((fault) => fault.parameter)).toContain(parameter);
  });

  test('a list may also be a repeated parameter, as generated clients send it', async () => {
    const { data } = await app.api().GET('/api/v1/marketing/funnels', { params: { query: { stages: ['interest', 'purchase'], ...PERIOD } } });
    expect(data?.stages.map((stage) => stage.stage)).toEqual(['interest', 'purchase']);
  });
});

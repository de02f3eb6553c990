import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { plant, type Planted } from './support/funnel-data.js';
import { newTenant } from './support/tokens.js';

const STAGES = ['awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase', 'onboarding', 'activation', 'retention', 'advocacy'] as const;
type Stage = (typeof STAGES)[number];
type Query = { stages: Stage[]; start_date: string; end_date: string };

/** Zones whose clocks change at midnight, by half an hour, or not at all; and days on which they do. */
const ZONES = ['UTC', 'Europe/Berlin', 'Africa/Cairo', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu'];
const CHANGES = ['2026-03-29', '2026-10-25', '2026-04-24', '2025-11-02', '2025-10-05'];
const HOUR = 3_600_000;

/** Few instants, so that ties, repetitions and events on the very edge of the period are the rule; customers are independent, so that ten are ten cases.
 * Left to itself fast-check would make some five moments, too few for an order that matters. */
const scene = fc
  .record({
    zone: fc.constantFrom(...ZONES),
    day: fc.constantFrom(...CHANGES),
    length: fc.integer({ min: 0, max: 2 }),
    regularFrom: fc.integer({ min: 3, max: 4 }),
    stages: fc.uniqueArray(fc.constantFrom(...STAGES), { minLength: 2, maxLength: 5 }),
    seeds: fc.array(fc.record({ customer: fc.integer({ min: 1, max: 10 }), hour: fc.integer({ min: -60, max: 90 }), pick: fc.nat() }), { minLength: 30, maxLength: 100, size: 'max' }),
  })
  .map(({ zone, day, length, regularFrom, stages, seeds }) => {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const moments = seeds.map(({ customer, hour, pick }) => ({ customer, stage: stages[pick % stages.length]!, at: new Date(midnight + hour * (HOUR / 2)).toISOString() }));
    const derived = (stage: string) => stage === 'activation' || stage === 'retention';
    const data = {
      events: moments.filter(({ stage }) => !derived(stage)),
      orders: moments.filter(({ stage }) => derived(stage) || stage === 'purchase').map(({ customer, at }) => ({ customer, at })),
    };
    const end = new Date(midnight + length * 24 * HOUR).toISOString().slice(0, 10);
    return { zone, regularFrom, data, query: { stages, start_date: day, end_date: end } satisfies Query };
  });

/** The definition itself: for each customer, tries every chain. */
function reference(data: Required<Planted>, zone: string, regularFrom: number, { stages, start_date, end_date }: Query): number[] {
  const dayOf = (at: string) => new Date(at).toLocaleDateString('en-CA', { timeZone: zone });
  const reached = stages.map(() => 0);
  for (const customer of new Set([...data.events, ...data.orders].map((one) => one.customer))) {
    const orders = data.orders.filter((order) => order.customer === customer).map((order) => order.at).sort();
    const moments = [
      ...data.events.filter((event) => event.customer === customer),
      ...[{ stage: 'activation', at: orders[1] }, { stage: 'retention', at: orders[regularFrom - 1] }].flatMap(({ stage, at }) => (at === undefined ? [] : [{ stage, at }])),
    ].filter(({ at }) => dayOf(at) >= start_date && dayOf(at) <= end_date);
    const longest = (next: number, after: string): number =>
      Math.max(next, ...moments.filter(({ stage, at }) => stage === stages[next] && at >= after).map(({ at }) => longest(next + 1, at)));
    for (let index = 0; index < longest(0, ''); index++) reached[index]! += 1;
  }
  return reached;
}

describe('funnels against their definition', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('the engine counts what trying every chain counts', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ zone, regularFrom, data, query }) => {
        const tenant = newTenant();
        const api = app.api(['tenant_admin'], tenant);
        await plant(app, tenant, data);
        await api.PATCH('/api/v1/marketing/settings', { body: { timezone: zone, funnels: { retention_from_order: regularFrom } } });
        const { data: funnel } = await api.GET('/api/v1/marketing/funnels', { params: { query } });
        expect(funnel?.stages.map((stage) => stage.count)).toEqual(reference(data, zone, regularFrom, query));
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

const PROMOS = '/api/v1/marketing/promos';
const REDEMPTIONS = '/api/v1/marketing/promos/redemptions';

interface Item {
  id: string;
  product_id?: string;
  category_ids?: string[];
  quantity: number;
  unit_price: number;
}

describe('redeeming promo codes', () => {
  let app: TestApp;
  let orders = 0;
  beforeAll(async () => void (app = await startApp({ env: { DATABASE_POOL: '20' } })));
  afterAll(() => app.close());

  const PIZZA: Item = { id: 'l1', product_id: 'margherita', category_ids: ['pizza'], quantity: 2, unit_price: 10 };
  const WINE: Item = { id: 'l2', product_id: 'wine', category_ids: ['drinks'], quantity: 1, unit_price: 5.55 };
  const orderOf = (over: object = {}) => ({ id: `order_${++orders}`, items: [PIZZA, WINE], ...over });

  /** Everything of one tenant, so that tests do not meet. */
  const shop = (tenant = newTenant()) => {
    const api = app.api(['tenant_admin'], tenant);
    return {
      tenant,
      api,
      promo: async (body: { code: string; [member: string]: unknown }) => {
        const { data, error } = await api.POST(PROMOS, { body: { type: 'percentage', ...(body.type === 'free_delivery' ? {} : { value: 10 }), ...body } as never });
        if (data === undefined) throw new Error(JSON.stringify(error));
        return data;
      },
      validate: async (body: object) => (await api.POST('/api/v1/marketing/promos/validate', { body: body as never })).data!,
      redeem: async (body: object, key?: string) => {
        const { data, error, response } = await api.POST(REDEMPTIONS, { body: body as never, params: { header: key === undefined ? {} : { 'Idempotency-Key': key } } });
        const problem = error as unknown as ({ code: string; status: number; shortfall?: number; errors?: { pointer: string; code: string }[] }) | undefined;
        return { status: response.status, code: problem?.code, problem, replayed: response.headers.get('idempotency-replayed'), body: data as never as { id: string; status: string; discount_amount: number; customer_id: string | null; order: { amount: number; total_amount: number; items: { id: string; discount_amount: number }[] }; redemptions: { id: string; code: string; discount_amount: number }[] } };
      },
      rollback: async (id: string, body: object = {}) => (await api.POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: id } }, body })).data!,
      stats: async (id: string) => (await api.GET('/api/v1/marketing/promos/{promo_id}/stats', { params: { path: { promo_id: id } } })).data!,
      patch: (id: string, body: object) => api.PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: id } }, body: body as never }),
      move: (id: string, to: 'pause' | 'archive') => api.POST(`/api/v1/marketing/promos/{promo_id}/${to}`, { params: { path: { promo_id: id } } }),
      /** What the ledger itself says, past every counter. */
      ledger: async () =>
        (await app.sql<{ n: number; discount: number; customers: number }>(
          `SELECT count(*)::int AS n, coalesce(sum(discount), 0)::int AS discount, count(DISTINCT customer_no)::int AS customers
             FROM promo_redemptions r JOIN tenants t ON t.id = r.tenant_id WHERE t.name = $1 AND status = 'redeemed'`, [tenant]))[0]!,
    };
  };
  type Shop = ReturnType<typeof shop>;

  /** The reason is the same from validate and from redemptions, and neither leaves anything behind. */
  async function expectReason({ validate, redeem, ledger }: Shop, request: { code: string; order: object; customer_id?: string }, reason: string, status = 422, params: object = {}) {
    const before = await ledger();
    expect(await validate(request)).toMatchObject({ valid: false, total_discount_amount: 0, applicable: [], inapplicable: [{ code: request.code, reason, params }] });
    expect(await redeem(request)).toMatchObject({ status, code: reason, problem: { promo_code: request.code, ...params } });
    expect(await ledger()).toEqual(before);
  }

  describe('what is taken off', () => {
    test('a percentage, by lines', async () => {
      const it = shop();
      await it.promo({ code: 'TENTH' });
      const request = { code: 'tenth ', customer_id: 'c1', order: orderOf({ delivery_fee: 3 }) };
      const priced = { amount: 28.55, total_amount: 25.99, items: [{ id: 'l1', discount_amount: 2 }, { id: 'l2', discount_amount: 0.56 }] };
      expect(await it.validate(request)).toMatchObject({ valid: true, total_discount_amount: 2.56, order: priced, inapplicable: [], remaining_uses: null });
      const { status, body } = await it.redeem(request);
      expect(status).toBe(201);
      expect(body).toMatchObject({ code: 'TENTH', status: 'redeemed', discount_amount: 2.56, customer_id: 'c1', order: priced });
      const got = await it.api.GET('/api/v1/marketing/promos/redemptions/{redemption_id}', { params: { path: { redemption_id: body.id } } });
      expect(got.data).toEqual(body);
    });

    test('an amount, not above what is eligible; a cap; free delivery', async () => {
      const it = shop();
      await it.promo({ code: 'WINE8', type: 'fixed_amount', value: 8, applies_to: { category_ids: ['drinks'] } });
      await it.promo({ code: 'HALF', value: 50, max_discount: 4 });
      await it.promo({ code: 'NOFEE', type: 'free_delivery' });
      expect(await it.validate({ code: 'WINE8', order: orderOf() })).toMatchObject({ total_discount_amount: 5.55, order: { total_amount: 20, items: [{ discount_amount: 0 }, { discount_amount: 5.55 }] } });
      expect(await it.validate({ code: 'HALF', order: orderOf() })).toMatchObject({ total_discount_amount: 4 });
      expect(await it.validate({ code: 'NOFEE', order: orderOf({ delivery_fee: 2.5 }) })).toMatchObject({ total_discount_amount: 2.5, order: { amount: 28.05, total_amount: 25.55 } });
      await expectReason(it, { code: 'NOFEE', order: orderOf() }, 'zero_discount');
    });

    test('items by product or category, never the excluded', async () => {
      const it = shop();
      await it.promo({ code: 'SOME', value: 100, applies_to: { item_ids: ['margherita'], category_ids: ['drinks'], exclude_item_ids: ['wine'] } });
      expect(await it.validate({ code: 'SOME', order: orderOf() })).toMatchObject({ total_discount_amount: 20 });
    });

    test('several: the higher priority first, each on what is left; all or none', async () => {
      const it = shop();
      await it.promo({ code: 'LATER', value: 50, stackable: true });
      await it.promo({ code: 'FIRST', type: 'fixed_amount', value: 15.55, stackable: true, priority: 5 });
      await it.promo({ code: 'ALONE' });
      const { status, body } = await it.redeem({ codes: ['LATER', 'FIRST'], order: orderOf() });
      expect(status).toBe(201);
      expect(body.redemptions).toMatchObject([{ code: 'FIRST', discount_amount: 15.55, order: { total_amount: 5 } }, { code: 'LATER', discount_amount: 5, order: { total_amount: 5 } }]);
      const refused = await it.redeem({ codes: ['FIRST', 'ALONE', 'NOBODY'], order: orderOf() });
      expect(refused).toMatchObject({ status: 422, code: 'not_combinable', problem: { errors: [{ pointer: '/codes/1', code: 'not_combinable' }, { pointer: '/codes/2', code: 'not_found' }] } });
      expect((await it.ledger()).n).toBe(2);
    });

    test('what an order was given before is not given twice', async () => {
      const it = shop();
      await it.promo({ code: 'MOST', value: 90, stackable: true });
      await it.promo({ code: 'MORE', value: 90, stackable: true });
      await it.promo({ code: 'SOLO' });
      const order = orderOf();
      expect((await it.redeem({ code: 'MOST', order })).body).toMatchObject({ discount_amount: 23, order: { total_amount: 2.55 } });
      expect((await it.redeem({ code: 'MORE', order })).body).toMatchObject({ discount_amount: 2.3, order: { total_amount: 0.25 } });
      await expectReason(it, { code: 'SOLO', order }, 'not_combinable');
    });

    test('yen have no decimals', async () => {
      const it = shop();
      await it.api.PATCH('/api/v1/marketing/settings', { body: { currency: 'JPY' } });
      await it.promo({ code: 'YEN', value: 15 });
      const items = [{ id: 'a', quantity: 1, unit_price: 990 }];
      expect(await it.validate({ code: 'YEN', order: { id: 'o', items } })).toMatchObject({ total_discount_amount: 149 });
      const { error } = await it.api.POST('/api/v1/marketing/promos/validate', { body: { code: 'YEN', order: { id: 'o', items: [{ id: 'a', quantity: 1, unit_price: 990.5 }] } } });
      expect(error).toMatchObject({ status: 400, errors: [{ pointer: '/order/items/0/unit_price', code: 'decimals' }] });
    });
  });

  describe('each reason', () => {
    test('not_found', () => expectReason(shop(), { code: 'NOBODY', order: orderOf() }, 'not_found'));

    test('inactive: paused or archived', async () => {
      const it = shop();
      const paused = await it.promo({ code: 'PAUSED' });
      const gone = await it.promo({ code: 'GONE' });
      await it.move(paused.id, 'pause');
      await it.move(gone.id, 'archive');
      await expectReason(it, { code: 'PAUSED', order: orderOf() }, 'inactive');
      await expectReason(it, { code: 'GONE', order: orderOf() }, 'inactive');
    });

    test('not_started, expired', async () => {
      const it = shop();
      const now = app.clock.now().getTime();
      await it.promo({ code: 'SOON', valid_from: new Date(now + 60_000).toISOString() });
      await it.promo({ code: 'PAST', valid_until: new Date(now - 60_000).toISOString() });
      await expectReason(it, { code: 'SOON', order: orderOf() }, 'not_started');
      await expectReason(it, { code: 'PAST', order: orderOf() }, 'expired');
    });

    test('outside_schedule', async () => {
      const it = shop();
      const day = (days: number) => ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date(app.clock.now().getTime() + days * 86_400_000).getUTCDay()]!;
      await it.promo({ code: 'NOTTODAY', schedule: { days: [day(2), day(4)] } });
      await it.promo({ code: 'ALLWEEK', schedule: { days: [day(-1), day(0), day(1)] } });
      await expectReason(it, { code: 'NOTTODAY', order: orderOf() }, 'outside_schedule');
      expect((await it.validate({ code: 'ALLWEEK', order: orderOf() })).valid).toBe(true);
    });

    test('usage_limit_reached', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'ONCE', usage_limit: 1 });
      expect(await it.validate({ code: 'ONCE', order: orderOf() })).toMatchObject({ remaining_uses: 1 });
      await it.redeem({ code: 'ONCE', order: orderOf() });
      await expectReason(it, { code: 'ONCE', order: orderOf() }, 'usage_limit_reached', 409);
      expect(await it.stats(promo.id)).toMatchObject({ uses: 1, remaining_uses: 0 });
    });

    test('customer_limit_reached, customer_required', async () => {
      const it = shop();
      await it.promo({ code: 'EACH1', per_customer_limit: 1 });
      await expectReason(it, { code: 'EACH1', order: orderOf() }, 'customer_required');
      expect((await it.redeem({ code: 'EACH1', customer_id: 'c1', order: orderOf() })).status).toBe(201);
      await expectReason(it, { code: 'EACH1', customer_id: 'c1', order: orderOf() }, 'customer_limit_reached', 409);
      expect((await it.redeem({ code: 'EACH1', customer_id: 'c2', order: orderOf() })).status).toBe(201);
    });

    test('budget_exhausted: never split', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'BUDGET', type: 'fixed_amount', value: 4, budget: 10 });
      await it.redeem({ code: 'BUDGET', order: orderOf() });
      await it.redeem({ code: 'BUDGET', order: orderOf() });
      await expectReason(it, { code: 'BUDGET', order: orderOf() }, 'budget_exhausted', 409);
      expect(await it.stats(promo.id)).toMatchObject({ uses: 2, discount_amount: 8, remaining_budget: 2 });
      const small = { id: 'small', items: [{ id: 'l1', quantity: 1, unit_price: 2 }] };
      expect((await it.redeem({ code: 'BUDGET', order: small })).body).toMatchObject({ discount_amount: 2 });
    });

    test('min_order_not_met says what is missing', async () => {
      const it = shop();
      await it.promo({ code: 'MIN30', min_order_amount: 30 });
      await expectReason(it, { code: 'MIN30', order: orderOf({ delivery_fee: 10 }) }, 'min_order_not_met', 422, { shortfall: 4.45 });
    });

    test('no_eligible_items, location_not_eligible, channel_not_eligible', async () => {
      const it = shop();
      await it.promo({ code: 'DESSERT', applies_to: { category_ids: ['dessert'] } });
      await it.promo({ code: 'HERE', applies_to: { location_ids: ['berlin'] } });
      await it.promo({ code: 'APP', applies_to: { channels: ['app'] } });
      await expectReason(it, { code: 'DESSERT', order: orderOf() }, 'no_eligible_items');
      await expectReason(it, { code: 'HERE', order: orderOf({ location_id: 'rome' }) }, 'location_not_eligible');
      await expectReason(it, { code: 'HERE', order: orderOf() }, 'location_not_eligible');
      await expectReason(it, { code: 'APP', order: orderOf({ channel: 'dine_in' }) }, 'channel_not_eligible');
      expect((await it.validate({ code: 'HERE', order: orderOf({ location_id: 'berlin' }) })).valid).toBe(true);
    });

    test('customer_not_in_segment', async () => {
      const it = shop();
      const { data: segment } = await it.api.POST('/api/v1/marketing/segments', { body: { name: 'VIP', type: 'static' } });
      await it.promo({ code: 'VIP', customer_segment_id: segment!.id });
      await it.promo({ code: 'ANY' });
      await it.redeem({ code: 'ANY', customer_id: 'vip', order: orderOf() }); // makes the customer
      await expectReason(it, { code: 'VIP', customer_id: 'vip', order: orderOf() }, 'customer_not_in_segment');
      await expectReason(it, { code: 'VIP', customer_id: 'stranger', order: orderOf() }, 'customer_not_in_segment');
      await expectReason(it, { code: 'VIP', order: orderOf() }, 'customer_required');
      await it.api.POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id: segment!.id } }, body: { customer_ids: ['vip'] } });
      expect((await it.redeem({ code: 'VIP', customer_id: 'vip', order: orderOf() })).status).toBe(201);
    });

    test('not_first_order: by a recorded order, or by a redemption on another', async () => {
      const it = shop();
      await it.promo({ code: 'FIRSTORDER', first_order_only: true });
      await it.promo({ code: 'ANY' });
      await it.redeem({ code: 'ANY', customer_id: 'returning', order: orderOf() });
      await expectReason(it, { code: 'FIRSTORDER', customer_id: 'returning', order: orderOf() }, 'not_first_order');
      expect((await it.redeem({ code: 'FIRSTORDER', customer_id: 'new', order: orderOf() })).status).toBe(201);
      const twins = await Promise.all([1, 2, 3].map(() => it.redeem({ code: 'FIRSTORDER', customer_id: 'twin', order: orderOf() })));
      expect(twins.map(({ status }) => status).sort()).toEqual([201, 422, 422]);
      await app.sql(
        `INSERT INTO orders (tenant_id, order_id, customer_no, total, occurred_at) SELECT tenant_id, 'o-1', customer_no, 1, now() FROM customers JOIN tenants t ON t.id = tenant_id WHERE t.name = $1 AND customer_id = 'returning'`, [it.tenant]);
      await expectReason(it, { code: 'FIRSTORDER', customer_id: 'returning', order: orderOf() }, 'not_first_order');
      await expectReason(it, { code: 'FIRSTORDER', order: orderOf() }, 'customer_required');
      // The order's own event may be faster than its redemption.
      const own = { ...orderOf(), id: 'reported-first' };
      await it.api.POST('/api/v1/marketing/events', { body: { events: [{ id: 'e-own', type: 'order_completed', customer_id: 'prompt', occurred_at: '2026-01-05T10:00:00Z', order: { id: own.id, total: 1 } }] } });
      expect((await it.redeem({ code: 'FIRSTORDER', customer_id: 'prompt', order: own })).status).toBe(201);
    });

    test('a customer_id that no URL could name is a fault, and makes no profile', async () => {
      const it = shop();
      await it.promo({ code: 'WHOEVER' });
      for (const customer_id of [' spaced ', 'x'.repeat(201), 'a\nb']) {
        const { status, problem } = await it.redeem({ code: 'WHOEVER', customer_id, order: orderOf() });
        expect([status, problem!.errors]).toEqual([400, [expect.objectContaining({ pointer: '/customer_id', code: 'is_customer_id' })]]);
      }
      expect((await it.api.GET('/api/v1/marketing/customers')).data!.meta.total).toBe(0);
    });

    test('currency_mismatch; what is no currency is a fault', async () => {
      const it = shop();
      await it.promo({ code: 'USD' });
      await expectReason(it, { code: 'USD', order: orderOf({ currency: 'EUR' }) }, 'currency_mismatch');
      expect(await it.redeem({ code: 'USD', order: orderOf({ currency: 'XYQ' }) })).toMatchObject({ status: 400, problem: { errors: [{ pointer: '/order/currency' }] } });
    });

    test('already_redeemed_for_order; after a rollback the order may redeem anew', async () => {
      const it = shop();
      await it.promo({ code: 'AGAIN' });
      const request = { code: 'AGAIN', order: orderOf() };
      const { body } = await it.redeem(request);
      await expectReason(it, request, 'already_redeemed_for_order');
      await it.rollback(body.id);
      expect((await it.redeem(request)).status).toBe(201);
    });

    test('zero_discount consumes nothing', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'ZERO', usage_limit: 1 });
      await expectReason(it, { code: 'ZERO', order: { id: 'free', items: [{ id: 'l', quantity: 1, unit_price: 0 }] } }, 'zero_discount');
      expect(await it.stats(promo.id)).toMatchObject({ uses: 0, remaining_uses: 1 });
    });
  });

  describe('under concurrency', () => {
    const statuses = (answers: { status: number }[]) => answers.reduce<Record<number, number>>((count, { status }) => ({ ...count, [status]: (count[status] ?? 0) + 1 }), {});

    test('100 redeemers of a limit of 50: exactly 50, and the counters are the ledger', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'FIFTY', usage_limit: 50 });
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => it.redeem({ code: 'FIFTY', customer_id: `c${n % 80}`, order: orderOf() })));
      expect(statuses(answers)).toEqual({ 201: 50, 409: 50 });
      expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([undefined, 'usage_limit_reached']));
      const ledger = await it.ledger();
      expect(ledger).toMatchObject({ n: 50, discount: 50 * 256 });
      const stats = await it.stats(promo.id);
      expect(stats).toMatchObject({ uses: 50, customers: ledger.customers, discount_amount: 128, order_revenue: 50 * 22.99, remaining_uses: 0 });
      expect(stats.by_day).toMatchObject([{ uses: 50, discount_amount: 128 }]);
    });

    test('50 redeemers of one customer with a limit of 3', async () => {
      const it = shop();
      await it.promo({ code: 'THREE', per_customer_limit: 3 });
      const answers = await Promise.all(Array.from({ length: 50 }, () => it.redeem({ code: 'THREE', customer_id: 'eager', order: orderOf() })));
      expect(statuses(answers)).toEqual({ 201: 3, 409: 47 });
      expect((await it.ledger()).n).toBe(3);
    });

    test('50 redeemers of a budget for 7', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'SEVEN', type: 'fixed_amount', value: 1.5, budget: 11 });
      const answers = await Promise.all(Array.from({ length: 50 }, () => it.redeem({ code: 'SEVEN', order: orderOf() })));
      expect(statuses(answers)).toEqual({ 201: 7, 409: 43 });
      expect(await it.stats(promo.id)).toMatchObject({ discount_amount: 10.5, remaining_budget: 0.5 });
    });

    test('a limit set while others redeem counts every use before it', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'LATELIMIT' });
      const early = Array.from({ length: 10 }, () => it.redeem({ code: 'LATELIMIT', order: orderOf() }));
      const patched = it.patch(promo.id, { usage_limit: 60 });
      const late = Array.from({ length: 90 }, () => it.redeem({ code: 'LATELIMIT', order: orderOf() }));
      const limit = Math.max(60, (await patched).data!.uses); // those who came before the limit were right to
      expect(statuses(await Promise.all([...early, ...late]))).toEqual({ 201: limit, 409: 100 - limit });
      expect(await it.stats(promo.id)).toMatchObject({ uses: limit, remaining_uses: 0 });
      expect((await it.ledger()).n).toBe(limit);
      await it.patch(promo.id, { usage_limit: null });
      await Promise.all(Array.from({ length: 5 }, () => it.redeem({ code: 'LATELIMIT', order: orderOf() })));
      await it.patch(promo.id, { usage_limit: limit + 6 });
      expect((await it.redeem({ code: 'LATELIMIT', order: orderOf() })).status).toBe(201);
      expect((await it.redeem({ code: 'LATELIMIT', order: orderOf() })).code).toBe('usage_limit_reached');
    });

    test('two codes in opposite order never block each other', async () => {
      const it = shop();
      for (const code of ['LEFT', 'RIGHT']) await it.promo({ code, stackable: true, usage_limit: 1000, per_customer_limit: 1000, min_order_amount: 1 });
      const deadlocks = async () => Number((await app.sql<{ deadlocks: string }>('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'))[0]!.deadlocks);
      const before = await deadlocks();
      const own = await startApp({ env: { DATABASE_POOL: '20' } });
      const redeem = async (n: number) =>
        (await own.api(['marketing'], it.tenant).POST(REDEMPTIONS, { body: { codes: n % 2 ? ['LEFT', 'RIGHT'] : ['RIGHT', 'LEFT'], customer_id: `c${n % 3}`, order: orderOf() } })).response;
      expect(statuses(await Promise.all(Array.from({ length: 60 }, (_, n) => redeem(n))))).toEqual({ 201: 60 });
      await own.close(); // a session reports its deadlocks when it ends, at the latest
      expect(await deadlocks()).toBe(before);
    });

    test('one order is redeemed once, and by one of two codes that do not combine', async () => {
      const it = shop();
      for (const code of ['THIS', 'THAT']) await it.promo({ code, min_order_amount: 1 }); // records money, which else the first redemption would do while all others wait
      const order = orderOf();
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => it.redeem({ code: n % 2 ? 'THIS' : 'THAT', order })));
      expect(statuses(answers)).toEqual({ 201: 1, 422: 19 });
    });

    test('many rollbacks of one redemption give back one use', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'BACK', usage_limit: 2, per_customer_limit: 2, budget: 100 });
      const first = await it.redeem({ code: 'BACK', customer_id: 'c', order: orderOf() });
      await it.redeem({ code: 'BACK', customer_id: 'c', order: orderOf() });
      const answers = await Promise.all(Array.from({ length: 10 }, () => it.rollback(first.body.id, { reason: 'canceled' })));
      for (const answer of answers) expect(answer).toMatchObject({ id: first.body.id, status: 'rolled_back', rollback_reason: 'canceled' });
      expect(await it.stats(promo.id)).toMatchObject({ uses: 1, customers: 1, discount_amount: 2.56, order_revenue: 22.99, remaining_uses: 1, remaining_budget: 97.44, by_day: [{ uses: 1, discount_amount: 2.56 }] });
      expect((await it.redeem({ code: 'BACK', customer_id: 'c', order: orderOf() })).status).toBe(201);
      await expectReason(it, { code: 'BACK', customer_id: 'c', order: orderOf() }, 'usage_limit_reached', 409);
    });

    test('a promo without limits takes no lock that another redeemer waits for', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'FREEFORALL' });
      await Promise.all(Array.from({ length: 60 }, (_, n) => it.redeem({ code: 'FREEFORALL', customer_id: `c${n}`, order: orderOf() })));
      expect(await it.stats(promo.id)).toMatchObject({ uses: 60, customers: 60, remaining_uses: null });
      const shards = await app.sql(`SELECT shard FROM promo_totals JOIN promos USING (tenant_id, promo_no) WHERE promo_id = $1`, [promo.id]);
      expect(shards.length).toBeGreaterThan(1);
    });
  });

  describe('the Idempotency-Key', () => {
    test('the same again is the same redemption, as it is now; another body is refused', async () => {
      const it = shop();
      await it.promo({ code: 'KEYED', usage_limit: 5 });
      const request = { code: 'KEYED', customer_id: 'c', order: orderOf() };
      const first = await it.redeem(request, 'key-1');
      expect(first).toMatchObject({ status: 201, replayed: null });
      expect(await it.redeem(request, 'key-1')).toMatchObject({ status: 200, replayed: 'true', body: first.body });
      await it.rollback(first.body.id);
      expect(await it.redeem(request, 'key-1')).toMatchObject({ status: 200, replayed: 'true', body: { id: first.body.id, status: 'rolled_back' } });
      expect(await it.redeem({ ...request, order: orderOf() }, 'key-1')).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
      expect((await it.ledger()).n).toBe(0);
      expect(await it.redeem(request, 'not a key')).toMatchObject({ status: 400, problem: { errors: [{ parameter: 'Idempotency-Key' }] } });
    });

    test('several codes under one key', async () => {
      const it = shop();
      for (const code of ['ONE', 'TWO']) await it.promo({ code, stackable: true, priority: code === 'TWO' ? 1 : 0 });
      const request = { codes: ['ONE', 'TWO'], order: orderOf() };
      const first = await it.redeem(request, 'key-2');
      expect(await it.redeem(request, 'key-2')).toMatchObject({ status: 200, body: first.body });
    });

    test('the same key at the same time is one redemption', async () => {
      const it = shop();
      const promo = await it.promo({ code: 'STORM', usage_limit: 100, min_order_amount: 1 });
      const request = { code: 'STORM', order: orderOf() };
      const answers = await Promise.all(Array.from({ length: 25 }, () => it.redeem(request, 'key-3')));
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(24).fill(200), 201]);
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      expect(await it.stats(promo.id)).toMatchObject({ uses: 1 });
    });

    test('a refusal keeps no key', async () => {
      const it = shop();
      const request = { code: 'EARLY', order: orderOf() };
      expect((await it.redeem(request, 'key-4')).code).toBe('not_found');
      await it.promo({ code: 'EARLY' });
      expect((await it.redeem(request, 'key-4')).status).toBe(201);
    });
  });

  test('a redeemer that dies half-way leaves nothing', async () => {
    const it = shop();
    const promo = await it.promo({ code: 'CRASH', usage_limit: 3, per_customer_limit: 2 });
    const told = async () => (await app.sql(`SELECT 1 FROM pgboss.job WHERE data -> 'tenant' ->> 'name' = $1`, [it.tenant])).length;
    // PostgreSQL cuts the session at the last statement, with everything written and nothing committed.
    await it.redeem({ code: 'CRASH', customer_id: 'known', order: orderOf() });
    const before = await told();
    expect(before).toBeGreaterThan(0); // of the one redemption that stands
    await app.sql(`CREATE OR REPLACE FUNCTION test_cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
      CREATE TRIGGER test_cut AFTER UPDATE ON promo_totals FOR EACH STATEMENT EXECUTE FUNCTION test_cut()`);
    const cut = await it.redeem({ code: 'CRASH', customer_id: 'unlucky', order: orderOf() }, 'key-crash');
    expect(await it.redeem({ code: 'CRASH', customer_id: 'known', order: orderOf() })).toMatchObject({ status: 503 });
    await app.sql('DROP TRIGGER test_cut ON promo_totals; DROP FUNCTION test_cut()');
    expect(cut.status).toBe(503);
    expect(await it.ledger()).toMatchObject({ n: 1 });
    expect(await told()).toBe(before);
    expect(await it.stats(promo.id)).toMatchObject({ uses: 1, remaining_uses: 2, by_day: [{ uses: 1 }] });
    expect(await app.sql(`SELECT 1 FROM promo_redemption_keys WHERE key = 'key-crash'`)).toEqual([]);
    expect(await app.sql(`SELECT 1 FROM customers JOIN tenants t ON t.id = tenant_id WHERE t.name = $1 AND customer_id = 'unlucky'`, [it.tenant])).toEqual([]);
    expect((await it.redeem({ code: 'CRASH', customer_id: 'unlucky', order: orderOf() }, 'key-crash')).status).toBe(201);
    expect((await it.redeem({ code: 'CRASH', customer_id: 'known', order: orderOf() })).status).toBe(201); // the second of two
  });

  test('bad requests are told with pointers', async () => {
    const it = shop();
    const send = async (body: object) => (await it.redeem(body)).problem;
    expect(await send({ order: orderOf() })).toMatchObject({ status: 400, errors: [{ pointer: '/code' }] });
    expect(await send({ code: 'ABC', codes: ['ABC'], order: orderOf() })).toMatchObject({ status: 400, errors: [{ pointer: '/codes' }] });
    expect(await send({ code: 'a b', order: orderOf() })).toMatchObject({ status: 400, code: 'invalid_promo_code' });
    expect(await send({ code: 'ABC' })).toMatchObject({ status: 400, errors: [{ pointer: '/order' }] });
    expect(await send({ code: 'ABC', order: orderOf({ items: [PIZZA, PIZZA] }) })).toMatchObject({ status: 400, errors: [{ pointer: '/order/items' }] });
    expect(await send({ code: 'ABC', order: orderOf({ items: [{ ...PIZZA, quantity: 0 }] }) })).toMatchObject({ status: 400, errors: [{ pointer: '/order/items/0/quantity' }] });
    expect(await send({ code: 'ABC', order: orderOf({ items: [{ ...PIZZA, quantity: 100_000, unit_price: 9e9 }] }) })).toMatchObject({ status: 400, errors: [{ pointer: '/order/items/0/unit_price' }] });
    expect((await it.api.GET('/api/v1/marketing/promos/redemptions/{redemption_id}', { params: { path: { redemption_id: 'red_nobody' } } })).error).toMatchObject({ status: 404, code: 'redemption_not_found' });
  });
});

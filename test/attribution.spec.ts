import { randomUUID } from 'node:crypto';
import { encodeDeliveryId, type Mailing, type Receipt } from '#delivery';
import { Promos } from '#promos';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('attribution of orders to campaigns', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let ada: number;
  let bob: number;

  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    [ada, bob] = (await mailings.people([{ id: 'ada', email: 'ada@example.com' }, { id: 'bob', email: 'bob@example.com' }])) as [number, number];
  });

  const api = () => app.api(['tenant_admin'], mailings.tenant.name);
  const now = (offset = 0) => new Date(app.clock.now().getTime() + offset);

  const sent = async (code?: string): Promise<Mailing> => {
    const promo = code === undefined ? { promoId: null, code: null } : await mailings.inTenant<{ promoId: string; code: string }>((tx) => app.nest.get(Promos, { strict: false }).attachToCampaign(tx, mailings.tenant, { code, percent: 25, validFrom: null, validUntil: null }));
    const mailing = await mailings.send(CONTENT, [ada, bob], { promoId: promo.promoId, promoCode: promo.code });
    return mailing;
  };

  const hit = (mailing: Mailing, type: Receipt['type'], customerNo: number, at = now(), machine = false) =>
    mailings.inTenant((tx) => mailings.delivery.recordReceipts(tx, mailings.tenant, [{ type, at, machine, deliveryId: encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' }) }]));

  const event = (type: string, customer_id: string, order: object, at = now()) => ({ id: randomUUID(), type, customer_id, occurred_at: at.toISOString(), order });
  const report = async (...events: object[]): Promise<void> => {
    const { response, error } = await api().POST('/api/v1/marketing/events', { body: { events } as never });
    expect([response.status, error]).toEqual([202, undefined]);
  };
  const order = (customer: string, id: string, total: number, at = now(), promo_code?: string) => report(event('order_completed', customer, { id, total, items: [], ...(promo_code && { promo_code }) }, at));
  const redeem = async (customer: string, orderId: string, code: string, amount: number) => {
    const { data, error } = await api().POST('/api/v1/marketing/promos/redemptions', { body: { code, customer_id: customer, order: { id: orderId, items: [{ id: '1', quantity: 1, unit_price: amount }] } } as never });
    expect(error).toBeUndefined();
    return (data as { id: string }).id;
  };
  /** Waits until the queue has told attribution everything. */
  const idle = () =>
    eventually(async () => expect(await app.sql(`SELECT id FROM pgboss.job WHERE (name LIKE '%-to-attribution' OR name = 'delivery-late-hits') AND state < 'completed'`)).toEqual([]));
  const expectOf = (mailing: Mailing, converted: number, revenue: number) =>
    eventually(async () => expect({ converted: 0, revenue: 0, ...(await mailings.counters(mailing)) }).toMatchObject({ converted, revenue }));

  test('an order goes to the last campaign its customer clicked, once', async () => {
    const [first, second] = [await sent(), await sent()];
    await hit(first, 'clicked', ada);
    await hit(second, 'clicked', ada, now(1));
    app.clock.advance(MINUTE);
    await order('ada', 'o-1', 24.5);
    await expectOf(second, 1, 2450);
    await order('ada', 'o-2', 10);
    await expectOf(second, 1, 3450);
    await order('bob', 'o-3', 99); // bob clicked nothing
    await order('ada', 'o-1', 24.5); // the same order, told again
    await expectOf(second, 1, 3450);
    expect(await mailings.counters(first)).toEqual({ sent: 2, delivered: 2, opened: 1, clicked: 1 });
    expect((await mailings.ledger(second)).map(({ converted_at }) => converted_at)).toEqual([expect.any(Date), null]);
  });

  test('machines, opens and clicks outside the window bring nothing; opens do when the tenant says so', async () => {
    const mailing = await sent();
    await hit(mailing, 'clicked', ada, now(), true);
    await hit(mailing, 'opened', ada);
    await app.sql(`UPDATE deliveries SET accepted_at = accepted_at - interval '6 days' WHERE tenant_id = $1 AND customer_no = $2`, [mailings.tenant.id, bob]);
    await hit(mailing, 'clicked', bob, now(-5 * DAY - MINUTE));
    await order('ada', 'o-1', 10);
    await order('bob', 'o-2', 10);
    await idle();
    await expectOf(mailing, 0, 0);
    await api().PATCH('/api/v1/marketing/settings', { body: { attribution: { models: ['promo_code', 'click', 'open'] } } });
    await order('ada', 'o-3', 12);
    await expectOf(mailing, 1, 1200);
  });

  test('a refund takes its part back, and the whole the conversion', async () => {
    const mailing = await sent();
    await hit(mailing, 'clicked', ada);
    app.clock.advance(MINUTE);
    await order('ada', 'o-1', 40);
    await expectOf(mailing, 1, 4000);
    await report(event('order_refunded', 'ada', { id: 'o-1', amount: 15 }));
    await expectOf(mailing, 1, 2500);
    await report(event('order_refunded', 'ada', { id: 'o-1', amount: 25 }));
    await expectOf(mailing, 0, 0);
    expect((await mailings.ledger(mailing))[0]!.converted_at).toBeNull();
  });

  test('the redeemed code beats the click; a redemption counts before its order, and the order replaces it', async () => {
    const [clicked, announced] = [await sent(), await sent('FLASH25')];
    await hit(clicked, 'clicked', ada);
    app.clock.advance(MINUTE);
    const redemption = await redeem('ada', 'o-1', 'FLASH25', 40);
    await expectOf(announced, 1, 3000);
    await order('ada', 'o-1', 31.5);
    await expectOf(announced, 1, 3150);
    await expectOf(clicked, 0, 0);
    await api().POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: redemption } }, body: {} });
    await expectOf(announced, 0, 0);
    await expectOf(clicked, 1, 3150);
  });

  test('a redemption told after its order takes it over; one taken back before its order leaves nothing', async () => {
    const [clicked, announced] = [await sent(), await sent('FLASH25')];
    await hit(clicked, 'clicked', ada);
    app.clock.advance(MINUTE);
    await order('ada', 'o-1', 31.5);
    await expectOf(clicked, 1, 3150);
    await redeem('ada', 'o-1', 'FLASH25', 40);
    await expectOf(announced, 1, 3150);
    await expectOf(clicked, 0, 0);
    const redemption = await redeem('bob', 'o-2', 'FLASH25', 20);
    await expectOf(announced, 2, 4650);
    await api().POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: redemption } }, body: {} });
    await expectOf(announced, 1, 3150);
    await order('bob', 'o-9', 8, now(), 'flash25 '); // the till's own word, as it spells it
    await expectOf(announced, 2, 3950);
  });

  test('a click dated before the sending brings no order from before it', async () => {
    await order('ada', 'o-1', 20, now(-MINUTE));
    const mailing = await sent();
    await hit(mailing, 'clicked', ada, now(-2 * MINUTE));
    await idle();
    await expectOf(mailing, 0, 0);
    await order('ada', 'o-2', 10, now(MINUTE));
    await expectOf(mailing, 1, 1000);
  });

  test('a code that is another promo’s by now brings its orders to no campaign of the promo before', async () => {
    const before = await sent('FLASH25');
    await order('ada', 'o-1', 10, now(), 'FLASH25');
    await expectOf(before, 1, 1000);
    await api().POST('/api/v1/marketing/promos/{promo_id}/archive', { params: { path: { promo_id: before.promoId! } } });
    app.clock.advance(MINUTE);
    const { error } = await api().POST('/api/v1/marketing/promos', { body: { code: 'FLASH25', type: 'percentage', value: 25 } });
    expect(error).toBeUndefined();
    await order('ada', 'o-2', 20, now(), 'FLASH25');
    await redeem('ada', 'o-2', 'FLASH25', 20);
    await idle();
    await expectOf(before, 1, 1000);
    await order('bob', 'o-3', 5, now(-MINUTE / 2), 'FLASH25'); // told late, placed when the code was still its
    await expectOf(before, 2, 1500);
    const after = await sent('FLASH25');
    await order('ada', 'o-4', 40, now(), 'FLASH25');
    await expectOf(after, 1, 4000);
    await expectOf(before, 2, 1500);
  });

  test('a click that is told after the order still brings it', async () => {
    const mailing = await sent();
    const at = now();
    app.clock.advance(10 * MINUTE);
    await order('ada', 'o-1', 20, now(-5 * MINUTE));
    await expectOf(mailing, 0, 0);
    await hit(mailing, 'clicked', ada, new Date(at.getTime() + MINUTE));
    await expectOf(mailing, 1, 2000);
  });
});

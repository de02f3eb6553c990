import { encodeDeliveryId, type Mailing, type Receipt } from '#delivery';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const HOUR = 3_600_000;

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length === 0 ? [[]] : items.flatMap((item, i) => permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));

describe('receipts and the ledger over HTTP', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let mailing: Mailing;
  let numbers: number[];

  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    smtp.beforeReply = undefined;
    mailings = await Mailings.of(app, newTenant());
    numbers = await mailings.people([{ id: 'a', email: 'a@example.com' }, { id: 'b', email: 'b@example.com' }, { id: 'none' }]);
  });

  const sent = async (): Promise<void> => {
    mailing = await mailings.send(CONTENT, numbers);
  };
  const record = (...receipts: (Omit<Receipt, 'at'> & { at?: Date })[]): Promise<string[]> =>
    mailings.inTenant((tx) => mailings.delivery.recordReceipts(tx, mailings.tenant, receipts.map((receipt) => ({ at: app.clock.now(), ...receipt }))));
  const idOf = (customerNo: number) => encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' });

  test('find their message by id, by the provider’s id, by campaign and person, or not at all', async () => {
    await sent();
    const results = await record(
      { type: 'opened', deliveryId: idOf(numbers[0]!) },
      { type: 'opened', providerMessageId: `<${idOf(numbers[0]!)}@trattoria.example>` },
      { type: 'clicked', campaignId: mailing.campaignId, address: ' B@Example.com' },
      { type: 'clicked', campaignId: mailing.campaignId, customerId: 'b' },
      { type: 'opened', campaignId: mailing.campaignId, customerId: 'none' }, // skipped: nothing was sent
      { type: 'opened', campaignId: mailing.campaignId, address: 'stranger@example.com' },
      { type: 'opened', campaignId: 'camp_elsewhere', address: 'a@example.com' },
      { type: 'opened', deliveryId: 'dlv_0' },
    );
    expect(results).toEqual(['matched', 'matched', 'matched', 'matched', 'unmatched', 'unmatched', 'unmatched', 'unmatched']);
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 2, opened: 2, clicked: 1, skipped: 1 });
  });

  test('say the same in any order and however often', async () => {
    await sent();
    const at = (minutes: number) => new Date(app.clock.now().getTime() + minutes * 60_000);
    const [a] = numbers as [number];
    const receipts: Receipt[] = [
      { type: 'delivered', deliveryId: idOf(a), at: at(1) },
      { type: 'opened', deliveryId: idOf(a), at: at(2) },
      { type: 'clicked', deliveryId: idOf(a), at: at(3) },
    ];
    for (const receipt of [...receipts].reverse()) await record(receipt);
    const once = (await mailings.ledger(mailing))[0];
    await record(...receipts, ...receipts);
    expect((await mailings.ledger(mailing))[0]).toEqual(once);
    expect(once).toMatchObject({ status: 'accepted', opened_at: receipts[1]!.at, clicked_at: receipts[2]!.at });
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 2, opened: 1, clicked: 1, skipped: 1 });
  });

  test('count at the earliest instant, in any order, but none before the sending', async () => {
    const told = (['delivered', 'opened', 'opened', 'clicked'] as const).map((type, i) => ({ type, at: [-HOUR, 2 * HOUR, HOUR, 3 * HOUR][i]! }));
    const orders = permutations(told);
    numbers = await mailings.crowd(2 * orders.length);
    await sent();
    const reporting = numbers.filter((no) => no % 2 === 0); // as if their provider sent receipts
    await app.sql(`UPDATE deliveries SET provider = 'other', delivered_at = NULL WHERE tenant_id = $1 AND customer_no = ANY ($2)`, [mailings.tenant.id, reporting]);
    const accepted = new Map((await mailings.ledger(mailing)).map(({ customer_no, accepted_at }) => [customer_no, accepted_at as Date]));
    const after = (no: number, milliseconds: number) => new Date(accepted.get(no)!.getTime() + milliseconds);
    for (const step of [0, 1, 2, 3, 3, 0]) {
      await record(...numbers.map((no, i) => ({ type: orders[i >> 1]![step]!.type, at: after(no, orders[i >> 1]![step]!.at), deliveryId: idOf(no) })));
    }
    for (const row of await mailings.ledger(mailing)) {
      const { customer_no: no } = row;
      expect(row).toMatchObject({ accepted_at: after(no, 0), delivered_at: after(no, 0), opened_at: after(no, HOUR), clicked_at: after(no, 3 * HOUR) });
    }
  });

  test('that come before the provider’s answer are not before it either', async () => {
    const started = Promise.withResolvers<void>();
    smtp.beforeReply = async () => {
      await started.promise;
      await record({ type: 'clicked', deliveryId: idOf(numbers[0]!), at: new Date(app.clock.now().getTime() - HOUR) });
    };
    mailing = await mailings.start(CONTENT, numbers.slice(0, 1));
    started.resolve();
    await mailings.finished(mailing);
    const { accepted_at, delivered_at, opened_at, clicked_at } = (await mailings.ledger(mailing))[0]!;
    expect([delivered_at, opened_at, clicked_at]).toEqual([accepted_at, accepted_at, accepted_at]);
  });

  test('a bounce takes the delivery back and closes the address', async () => {
    await sent();
    await record({ type: 'bounced', deliveryId: idOf(numbers[0]!), reason: '550 no such user' }, { type: 'complained', deliveryId: idOf(numbers[1]!) });
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 1, bounced: 1, complained: 1, skipped: 1 });
    const again = await mailings.send(CONTENT, numbers);
    expect((await mailings.ledger(again)).map(({ reason }) => reason)).toEqual(['suppressed', 'no_consent', 'no_address']);
  });

  test('of two transactions at once, the counters count both', async () => {
    await sent();
    await Promise.all([...Array(8).keys()].flatMap(() => numbers.slice(0, 2).map((no) => record({ type: 'opened', deliveryId: idOf(no) }, { type: 'clicked', deliveryId: idOf(no) }))));
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 2, opened: 2, clicked: 2, skipped: 1 });
  });

  test('the list tells who got it and why not, filtered and paged', async () => {
    await sent();
    const api = app.api(['marketing'], mailings.tenant.name);
    const list = (query: object) => api.GET('/api/v1/marketing/campaigns/{campaign_id}/deliveries', { params: { path: { campaign_id: mailing.campaignId }, query } });
    const { data } = await list({});
    expect(data!.data.map(({ customer_id, status, reason }) => [customer_id, status, reason])).toEqual([
      ['none', 'skipped', 'no_address'], ['b', 'accepted', null], ['a', 'accepted', null],
    ]);
    expect(data!.data[2]).toMatchObject({ id: idOf(numbers[0]!), channel: 'email', provider: 'smtp', attempts: 1, variant: null, delivered_at: expect.any(String) });
    expect(data!.meta).toMatchObject({ total: 3, has_more: false });
    expect((await list({ status: 'skipped' })).data!.data.map(({ customer_id }) => customer_id)).toEqual(['none']);
    expect((await list({ customer_id: 'b' })).data!.meta.total).toBe(1);
    expect((await list({ customer_id: 'nobody' })).data!.data).toEqual([]);
    expect((await list({ channel: 'sms' })).data!.data).toEqual([]);
    const first = (await list({ limit: 2 })).data!;
    expect(first.meta).toMatchObject({ has_more: true, next_cursor: expect.any(String) });
    expect((await list({ limit: 2, cursor: first.meta.next_cursor })).data!.data.map(({ customer_id }) => customer_id)).toEqual(['a']);
    expect((await list({ status: 'lost' })).error).toMatchObject({ code: 'validation_failed' });
    const foreign = await app.api(['marketing'], newTenant()).GET('/api/v1/marketing/campaigns/{campaign_id}/deliveries', { params: { path: { campaign_id: mailing.campaignId } } });
    expect(foreign.error).toMatchObject({ status: 404, code: 'campaign_not_found' });
  });

  test('an operator settles what nobody knows', async () => {
    smtp.beforeReply = (_, session) => smtp.drop(session);
    await sent();
    smtp.beforeReply = undefined;
    const api = app.api(['marketing'], mailings.tenant.name);
    const params = (no: number) => ({ params: { path: { campaign_id: mailing.campaignId, delivery_id: idOf(no) } } });
    expect(await mailings.counters(mailing)).toEqual({ unknown: 2, skipped: 1 });
    const resent = await api.POST('/api/v1/marketing/campaigns/{campaign_id}/deliveries/{delivery_id}/resend', params(numbers[0]!));
    expect(resent.data).toMatchObject({ status: 'pending', customer_id: 'a' });
    const lost = await api.POST('/api/v1/marketing/campaigns/{campaign_id}/deliveries/{delivery_id}/give-up', params(numbers[1]!));
    expect(lost.data).toMatchObject({ status: 'rejected', reason: 'given_up' });
    await eventually(async () => expect((await mailings.ledger(mailing))[0]).toMatchObject({ status: 'accepted', attempts: 2 }));
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, failed: 1, skipped: 1 });
    const again = await api.POST('/api/v1/marketing/campaigns/{campaign_id}/deliveries/{delivery_id}/resend', params(numbers[0]!));
    expect(again.error).toMatchObject({ status: 409, code: 'invalid_state' });
    const nobody = await api.POST('/api/v1/marketing/campaigns/{campaign_id}/deliveries/{delivery_id}/give-up', params(99_999));
    expect(nobody.error).toMatchObject({ status: 404, code: 'delivery_not_found' });
    // It did arrive: the provider knows better than the operator.
    await record({ type: 'delivered', deliveryId: idOf(numbers[1]!) });
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 2, skipped: 1 });
  });
});

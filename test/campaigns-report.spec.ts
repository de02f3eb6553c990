import { randomUUID } from 'node:crypto';
import { encodeDeliveryId, type Mailing, type Receipt } from '#delivery';
import { localDay } from '#kernel';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV } from './support/mailings.js';
import { startReceiver, type TestReceiver } from './support/receiver.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const ONE = '/api/v1/marketing/campaigns/{campaign_id}' as const;
const ZONE = 'Pacific/Auckland';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const variants = ['a', 'b'].map((id) => ({ id, weight: 1, content: { subject: `Subject ${id}` } }));

type Row = Record<string, Date | string | number | null> & { customer_no: number; channel: 'email' | 'push'; status: string; variant: string | null };

describe('the report of a campaign', () => {
  let receiver: TestReceiver;
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    [receiver, smtp] = [await startReceiver(), await startSmtp()];
    app = await startApp({ worker: true, env: { ALLOW_PRIVATE_TARGETS: '1', SMTP_URL: smtp.url, ...SENDER_ENV } });
  });
  afterAll(async () => {
    await app.close();
    await receiver.close();
    await smtp.close();
  });
  beforeEach(async () => void (mailings = await Mailings.of(app, newTenant())));

  const api = () => app.api(['tenant_admin'], mailings.tenant.name);
  const params = (mailing: Mailing) => ({ params: { path: { campaign_id: mailing.campaignId } } });
  async function report(mailing: Mailing) {
    const { data, error } = await api().GET(`${ONE}/report`, params(mailing));
    expect(error).toBeUndefined();
    return data!;
  }
  const now = (offset = 0) => new Date(app.clock.now().getTime() + offset);
  const tell = (mailing: Mailing, rows: readonly { customer_no: number; channel?: 'email' | 'push' }[], type: Receipt['type'], over: Partial<Receipt> = {}) =>
    mailings.inTenant((tx) => mailings.delivery.recordReceipts(tx, mailings.tenant, rows.map(({ customer_no, channel = 'email' }) => ({ type, at: now(), deliveryId: encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo: customer_no, channel }), ...over }))));
  const ledger = (mailing: Mailing) => mailings.ledger(mailing) as unknown as Promise<Row[]>;
  async function order(customerIds: readonly string[], at: Date, total = 10, refund = false): Promise<void> {
    const orders = customerIds.map((customer_id) => ({ id: randomUUID(), type: 'order_completed', customer_id, occurred_at: at.toISOString(), order: { id: randomUUID(), total, items: [] } }));
    const refunds = orders.map(({ customer_id, order: { id } }) => ({ id: randomUUID(), type: 'order_refunded', customer_id, occurred_at: at.toISOString(), order: { id, amount: total } }));
    for (const events of refund ? [orders, refunds] : [orders]) expect((await api().POST('/api/v1/marketing/events', { body: { events } as never })).data).toMatchObject({ accepted: events.length });
  }
  const attributed = () => eventually(async () => expect(await app.sql(`SELECT id FROM pgboss.job WHERE (name LIKE '%-to-attribution' OR name = 'delivery-late-hits') AND state < 'completed'`)).toEqual([]));
  const idOf = async (no: number) => (await app.sql<{ customer_id: string }>('SELECT customer_id FROM customers WHERE tenant_id = $1 AND customer_no = $2', [mailings.tenant.id, no]))[0]!.customer_id;

  test('its numbers are the ledger’s: in all, per channel, day and variant', async () => {
    await api().PATCH('/api/v1/marketing/settings', { body: { timezone: ZONE, quiet_hours: { push: null } } as never });
    const { data } = await api().PUT('/api/v1/marketing/channels/http_push', { body: { url: `${receiver.url}/send` } });
    receiver.secret = data!.secret;
    await addCustomers(app, Array.from({ length: 40 }, (_, n) => ({
      id: `g${n}`, ...(n % 4 !== 0 && { email: mailings.address(`g${n}`) }), ...(n % 3 !== 0 && { push_subscription: { endpoint: `https://push.example.com/${n}`, keys: { p256dh: 'x', auth: 'y' } } }), consents: { push: { status: 'subscribed' as const } },
    })), mailings.tenant.name);
    const numbers = (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 ORDER BY 1', [mailings.tenant.id])).map(({ no }) => no);
    const mailing = await mailings.send(CONTENT, numbers, { channels: ['email', 'push'], options: { variants } });
    const sent = (await ledger(mailing)).filter(({ status }) => status === 'accepted');
    await tell(mailing, sent.filter(({ channel }) => channel === 'push'), 'delivered');
    for (const [type, every, wait] of [['opened', 2, 5 * HOUR], ['clicked', 3, 11 * HOUR], ['unsubscribed', 9, DAY], ['bounced', 11, DAY]] as const) {
      app.clock.advance(wait);
      await tell(mailing, sent.filter((_, at) => at % every === 0), type);
    }
    const clicked = sent.filter((_, at) => at % 3 === 0).slice(0, 4).map(({ customer_no }) => customer_no);
    await order(await Promise.all([...new Set(clicked)].map(idOf)), now(), 12.5);
    await attributed();
    await eventually(async () => expect((await mailings.counters(mailing)).converted).toBe(new Set(clicked).size));

    const told = await report(mailing);
    const rows = await ledger(mailing);
    // By other means: everything counted here from the rows, one customer after another.
    const count = (among: Row[], test: (row: Row) => boolean) => new Set(among.filter(test).map(({ customer_no }) => customer_no)).size;
    const tests: Record<string, (row: Row) => boolean> = {
      sent: ({ status }) => status === 'accepted', delivered: (row) => row.status === 'accepted' && row.delivered_at !== null && (row.bounced_at === null || row.opened_at !== null),
      opened: (row) => row.opened_at !== null, clicked: (row) => row.clicked_at !== null, converted: (row) => row.converted_at !== null, unsubscribed: (row) => row.unsubscribed_at !== null,
      bounced: (row) => row.bounced_at !== null, skipped: ({ status }) => status === 'skipped',
    };
    const counts = (among: Row[]) => Object.fromEntries(Object.entries(tests).map(([name, one]) => [name, count(among, one)]));
    expect(told.totals).toMatchObject({ ...counts(rows), revenue_attributed: 12.5 * new Set(clicked).size });
    expect(told.per_channel).toMatchObject((['email', 'push'] as const).map((channel) => ({ channel, ...counts(rows.filter((row) => row.channel === channel)) })));
    expect(told.per_variant).toMatchObject(['a', 'b'].map((variant) => ({ variant, ...counts(rows.filter((row) => row.variant === variant)), skipped: expect.any(Number) as number })));
    expect(told.per_variant.reduce((sum, one) => sum + one.revenue_attributed, 0)).toBe(12.5 * new Set(clicked).size);
    const days = new Map<string, Record<string, Set<number>>>();
    for (const name of ['sent', 'opened', 'clicked', 'converted', 'unsubscribed', 'bounced']) {
      const first = new Map<number, Date>();
      for (const row of rows) {
        const at = row[name === 'sent' ? 'accepted_at' : `${name}_at`] as Date | null;
        if (at !== null && !(first.get(row.customer_no)! <= at)) first.set(row.customer_no, at);
      }
      for (const [no, at] of first) ((days.get(localDay(at, ZONE)) ?? days.set(localDay(at, ZONE), {}).get(localDay(at, ZONE))!)[name] ??= new Set()).add(no);
    }
    expect(told.per_day.map(({ date }) => date)).toEqual([...days.keys()].sort());
    for (const day of told.per_day) expect(day).toMatchObject(Object.fromEntries(Object.entries(days.get(day.date)!).map(([name, who]) => [name, who.size])));
    expect(told.per_day.length).toBeGreaterThan(2);
    expect(told).toMatchObject({ timezone: ZONE, ab_test: null, lift: null });
    const { delivered, opened, open_rate } = told.totals;
    expect(open_rate.rate).toBeCloseTo((opened / delivered) * 100, 1);
    expect(open_rate.interval.low).toBeLessThan(open_rate.rate!);
    expect(open_rate.interval.high).toBeGreaterThan(open_rate.rate!);
  });

  test('which variant leads is told of the sample alone, and whether chance could have done it', async () => {
    const mailing = await mailings.start(CONTENT, await mailings.crowd(400), { options: { variants, ab_test: { sample_percent: 60, metric: 'clicked', wait_minutes: 60 } } });
    await eventually(async () => expect((await report(mailing)).ab_test!.sample_sent_at).not.toBeNull());
    const sample = (await ledger(mailing)).filter(({ variant }) => variant !== null);
    const of = (variant: string) => sample.filter((row) => row.variant === variant);
    await tell(mailing, of('a').slice(0, 10), 'clicked');
    await tell(mailing, of('b').slice(0, 40), 'clicked');
    expect((await report(mailing)).leaders).toEqual([
      { metric: 'opened', variant: 'b', verdict: 'enough' }, { metric: 'clicked', variant: 'b', verdict: 'enough' }, { metric: 'converted', variant: null, verdict: 'not_enough_data' },
    ]);
    app.clock.advance(61 * 60_000);
    await mailings.finished(mailing);
    const told = await report(mailing);
    // The rest got b and clicks nothing yet: that says nothing of b.
    expect(told.leaders[1]).toEqual({ metric: 'clicked', variant: 'b', verdict: 'enough' });
    expect(told.per_variant.map(({ variant, sent }) => [variant, sent])).toEqual([['a', of('a').length], ['b', 400 - of('a').length]]);
    expect(told.ab_test).toMatchObject({ winner: 'b', reason: 'best', standings: [{ variant: 'a', delivered: of('a').length, achieved: 10 }, { variant: 'b', delivered: of('b').length, achieved: 40 }] });
  });

  test('lift: orders of those written to beside those of the control group, in the days after', async () => {
    const people = await mailings.crowd(500);
    const clock = (hours: number) => now(hours * HOUR).toISOString().slice(11, 16);
    const mailing = await mailings.start(CONTENT, people, { options: { holdout_percent: 40, send_window: { start: clock(3), end: clock(-1) } } });
    await eventually(async () => expect((await ledger(mailing)).filter(({ reason }) => reason === 'send_window')).toHaveLength(500));
    app.clock.advance(HOUR);
    await order(Array.from({ length: 200 }, (_, n) => `guest-${n}`), now()); // it has started, and has not come to anybody: nothing that it did
    app.clock.advance(2 * HOUR);
    await mailings.finished(mailing);
    const rows = await ledger(mailing);
    const ids = new Map((await app.sql<{ customer_no: number; customer_id: string }>('SELECT customer_no, customer_id FROM customers WHERE tenant_id = $1', [mailings.tenant.id])).map((row) => [row.customer_no, row.customer_id]));
    const [control, treated] = ['holdout', null].map((reason) => rows.filter((row) => row.reason === reason).map(({ customer_no }) => ids.get(customer_no)!)) as [string[], string[]];
    expect(control.length + treated.length).toBe(500);
    expect((await report(mailing)).lift).toMatchObject({ treated: { customers: treated.length, converted: 0, rate: 0 }, control: { customers: control.length, converted: 0 }, lift_percent: null, verdict: 'not_enough_data' });
    app.clock.advance(HOUR);
    const [few, many] = [control.slice(0, 10), treated.slice(0, 90)];
    await order(few, now());
    await order(many, now());
    await order(many.slice(0, 5), now()); // again: the customer counts once
    await order(treated.slice(90, 100), now(), 10, true); // refunded to nothing
    const { window_days: days } = (await report(mailing)).lift!;
    app.clock.advance((days + 1) * DAY);
    await order(control.slice(10, 60), now()); // too late
    const { lift } = await report(mailing);
    expect(lift).toMatchObject({ treated: { customers: treated.length, converted: 90 }, control: { customers: control.length, converted: 10 }, verdict: 'enough' });
    expect(lift!.lift_percent).toBeCloseTo((90 / treated.length / (10 / control.length) - 1) * 100, 0);
    expect(lift!.interval.low).toBeGreaterThan(10);
    expect(lift!.interval.low).toBeLessThan(lift!.treated.rate! - lift!.control.rate!);
    expect(lift!.interval.high).toBeGreaterThan(lift!.treated.rate! - lift!.control.rate!);
  });

  test('lift of nothing is none where mailboxes are dead: who was refused, or shares an address, is treated as much as who got it', async () => {
    const people = await mailings.crowd(300);
    await app.sql(`UPDATE customers SET email = CASE WHEN customer_no % 3 = 0 THEN 'dead' || customer_no || '@example.com' WHEN customer_no % 10 = 1 THEN 'shared@example.com' ELSE email END WHERE tenant_id = $1`, [mailings.tenant.id]);
    smtp.refuse = (address) => (address.startsWith('dead') ? { responseCode: 550, message: 'No such user' } : undefined);
    const mailing = await mailings.send(CONTENT, people, { options: { holdout_percent: 50 } });
    smtp.refuse = undefined;
    const rows = await ledger(mailing);
    expect(new Set(rows.map(({ status, reason }) => (status === 'skipped' ? reason : status)))).toEqual(new Set(['accepted', 'rejected', 'duplicate_address', 'holdout']));
    app.clock.advance(HOUR);
    const living = rows.filter(({ customer_no }) => customer_no % 3 !== 0);
    await order(await Promise.all(living.map(({ customer_no }) => idOf(customer_no))), now());
    const [held, written] = [true, false].map((control) => (among: Row[]) => among.filter(({ reason }) => (reason === 'holdout') === control).length) as [(among: Row[]) => number, (among: Row[]) => number];
    expect((await report(mailing)).lift).toMatchObject({ treated: { customers: written(rows), converted: written(living) }, control: { customers: held(rows), converted: held(living) }, verdict: 'not_enough_data' });
  });

  test('lift counts one customer once: who was merged from both groups was written to, and from then on', async () => {
    receiver.secret = (await api().PUT('/api/v1/marketing/channels/http_push', { body: { url: `${receiver.url}/send` } })).data!.secret;
    const people = Array.from({ length: 20 }, (_, n) => ({ id: `m${n}`, email: mailings.address(`m${n}`) }));
    const numbers = await mailings.people(people);
    const mailing = await mailings.send(CONTENT, numbers, { channels: ['email', 'push'], options: { holdout_percent: 50 } });
    // Who is held out over push, where the other has no subscription, got the email under the other's id.
    await app.sql(`UPDATE deliveries d SET status = 'skipped', reason = 'holdout', held_out_at = $3 FROM deliveries e WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.channel = 'push'
      AND e.tenant_id = $1 AND e.campaign_no = $2 AND e.customer_no = d.customer_no AND e.channel = 'email' AND e.reason = 'holdout'`, [mailings.tenant.id, mailing.campaignNo, now()]);
    const emails = (await ledger(mailing)).filter(({ channel }) => channel === 'email');
    const [control, treated] = [emails.filter(({ reason }) => reason === 'holdout'), emails.filter(({ status }) => status === 'accepted')];
    app.clock.advance(HOUR);
    const [into, from] = [await idOf(control[0]!.customer_no), await idOf(treated[0]!.customer_no)];
    await order([into, from, await idOf(control[1]!.customer_no)], now());
    const counts = async () => {
      const { treated: one, control: other } = (await report(mailing)).lift!;
      return [one.customers, one.converted, other.customers, other.converted];
    };
    expect(await counts()).toEqual([treated.length, 1, control.length, 2]);
    expect((await api().POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: into } }, body: { from } })).error).toBeUndefined();
    expect(await counts()).toEqual([treated.length, 1, control.length - 1, 1]);
  });

  test('lift of a few is not told as one', async () => {
    const mailing = await mailings.send(CONTENT, await mailings.crowd(40), { options: { holdout_percent: 50 } });
    const written = await Promise.all((await ledger(mailing)).filter(({ status }) => status === 'accepted').map(({ customer_no }) => idOf(customer_no)));
    app.clock.advance(HOUR);
    await order(written.slice(0, 4), now());
    expect((await report(mailing)).lift).toMatchObject({ treated: { converted: 4 }, control: { converted: 0 }, lift_percent: null, verdict: 'not_enough_data' });
  });

  test('links: every click by a person, how many people, and what only machines followed', async () => {
    const mailing = await mailings.send(CONTENT, await mailings.crowd(6), { promoCode: 'FLASH25' });
    const rows = await ledger(mailing);
    const links = async (query: object = {}) => (await api().GET(`${ONE}/links`, { params: { path: { campaign_id: mailing.campaignId }, query } })).data!;
    const click = async (among: Row[], linkNo: number, machine = false) => {
      app.clock.advance(1_000);
      await tell(mailing, among, 'clicked', { linkNo, machine });
    };
    await click(rows.slice(0, 4), 0);
    await click(rows.slice(0, 2), 0);
    await click(rows, 1, true);
    await click(rows.slice(5), 1);
    const [button, menu] = [{ url: 'https://order.example.com?promo={{ promo_code }}', clicks: 6, customers: 4, machine_clicks: 0 }, { url: 'https://order.example.com/menu', clicks: 1, customers: 1, machine_clicks: 6 }];
    expect(await links()).toMatchObject({ data: [button, menu], meta: { total: 2, has_more: false } });
    const first = await links({ limit: 1 });
    expect(first).toMatchObject({ data: [button], meta: { has_more: true } });
    expect(await links({ limit: 1, cursor: first.meta.next_cursor! })).toMatchObject({ data: [menu], meta: { has_more: false } });
  });

  test('before the start there is nothing to tell; of no campaign there is no report', async () => {
    const { data } = await api().POST('/api/v1/marketing/campaigns', { body: { name: 'Draft', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' } });
    const draft = { campaignId: data!.id } as Mailing;
    expect(await report(draft)).toMatchObject({ totals: { sent: 0, open_rate: { rate: null, interval: { low: 0, high: 100 } } }, per_channel: [], per_day: [], per_variant: [], leaders: [], ab_test: null, lift: null });
    expect((await api().GET(`${ONE}/links`, params(draft))).data).toMatchObject({ data: [], meta: { total: 0 } });
    for (const path of ['report', 'links'] as const) expect((await api().GET(`${ONE}/${path}`, params({ campaignId: 'camp_none' } as Mailing))).response.status).toBe(404);
  });
});

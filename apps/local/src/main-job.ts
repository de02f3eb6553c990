import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoEvent } from './demo-people.js';
import type { HttpClient } from './http-client.js';

/** The input of the job: customers as CSV, and their events. */
export interface MainJobInput {
  customersCsv: string;
  events: DemoEvent[];
}

/** The result of each step; {@link playMainJob} checks what is visible from outside, and a test compares the rest with the tables. */
export interface MainJobResult {
  imported: Record<string, unknown>;
  events: { accepted: number; duplicates: number; orders: number; total: number };
  segment: { id: string; size: number };
  campaign: { id: string; metrics: Metrics };
  webhooks: { received: number; duplicates: number; forged: number };
  promo: { redeemed: number; refused: number; fixed_discount: number; percentage_discount: number };
  conversion: { converted: number; revenue: number };
  funnel: { stages: { stage: string; count: number }[]; overall_conversion: number };
}

type Metrics = Record<string, number>;
type Delivery = { id: string; customer_id: string; status: string };

export type Print = (step: string, result: unknown) => void;

const SECOND = 1000;

/**
 * The product's main job, from a CSV file to attributed revenue, over HTTP against a running server.
 *
 * @throws Error at the first step with a wrong result
 */
export async function playMainJob(http: HttpClient, input: MainJobInput, print: Print): Promise<MainJobResult> {
  const imported = await importCustomers(http, input.customersCsv);
  print('1. Customers imported from CSV', imported);
  const events = await recordEvents(http, input.events);
  print('   Their events and orders recorded', events);
  const segment = await createSegment(http);
  print('2. A dynamic segment of the best customers', segment);
  const campaignId = await sendCampaign(http, segment, print);
  const { webhooks, metrics } = await reportReceipts(http, campaignId, print);
  const { promo, conversion } = await redeemPromos(http, campaignId, print);
  const funnel = await http.get<MainJobResult['funnel']>(`/funnels?funnel_type=purchase&start_date=${dayOf(earliest(input.events))}&end_date=${dayOf(new Date())}`);
  print('6. The purchase funnel of the whole period', funnel);
  return { imported, events, segment, campaign: { id: campaignId, metrics }, webhooks, promo, conversion, funnel };
}

async function importCustomers(http: HttpClient, csv: string): Promise<Record<string, unknown>> {
  const { id } = await http.post<{ id: string }>('/customers/import', csv, { 'content-type': 'text/csv' });
  return until(() => http.get(`/imports/${id}`), (one) => one.status === 'completed' || one.status === 'failed');
}

async function recordEvents(http: HttpClient, events: DemoEvent[]): Promise<MainJobResult['events']> {
  const sum = { accepted: 0, duplicates: 0, orders: 0, total: 0 };
  for (let n = 0; n < events.length; n += 1000) {
    const answer = await http.post<{ accepted: number; duplicates: number; rejected: unknown[] }>('/events', { events: events.slice(n, n + 1000) });
    assert(answer.rejected.length === 0, 'every event is accepted', answer.rejected[0]);
    sum.accepted += answer.accepted;
    sum.duplicates += answer.duplicates;
  }
  const orders = events.filter((event) => event.order !== undefined);
  sum.orders = orders.length;
  sum.total = Math.round(orders.reduce((total, event) => total + event.order!.total * 100, 0)) / 100;
  return sum;
}

async function createSegment(http: HttpClient): Promise<MainJobResult['segment']> {
  const criteria = { total_spent: { gte: 200 }, order_count: { gte: 4 } };
  const { size: preview } = await http.post<{ size: number }>('/segments/preview', { criteria });
  const { id } = await http.post<{ id: string }>('/segments', { name: 'Regulars', type: 'dynamic', criteria });
  const segment = await until(() => http.get<{ id: string; size: number }>(`/segments/${id}`), ({ size }) => size === preview);
  return { id: segment.id, size: segment.size };
}

/** Scheduled two seconds ahead: the worker starts it, by a job in PostgreSQL. */
async function sendCampaign(http: HttpClient, segment: MainJobResult['segment'], print: Print): Promise<string> {
  const code = `FLASH${randomUUID().slice(0, 6).toUpperCase()}`;
  const campaign = await http.post<{ id: string; status: string }>('/campaigns', {
    name: 'Flash Sale Friday',
    type: 'promotion',
    channels: ['email'],
    segment_id: segment.id,
    content: {
      subject: 'Flash Sale - 25% Off Today Only!',
      body: "Don't miss our biggest sale of the season, {{ customer.first_name | default: \"friend\" }}. Your code: {{ promo_code }}",
      cta_text: 'Shop Now',
      cta_url: 'https://order.example.com?promo=FLASH25',
    },
    schedule: { start_date: new Date(Date.now() + 2 * SECOND).toISOString(), end_date: new Date(Date.now() + 3600 * SECOND).toISOString() },
    promo_code: code,
    promo_discount_percent: 25,
  });
  assert(campaign.status === 'scheduled', 'a campaign with content and a future start is scheduled', campaign);
  print('3. Campaign scheduled', { id: campaign.id, status: campaign.status, promo_code: code });
  const done = await until(
    () => http.get<{ status: string; metrics: Metrics }>(`/campaigns/${campaign.id}`),
    ({ metrics }) => metrics.sent! + metrics.skipped! + metrics.failed! + metrics.unknown! >= segment.size,
    120,
  );
  print('   Started by the worker and sent by SMTP', { status: done.status, ...done.metrics });
  return campaign.id;
}

async function reportReceipts(http: HttpClient, campaignId: string, print: Print): Promise<{ webhooks: MainJobResult['webhooks']; metrics: Metrics }> {
  const connection = await http.put<{ url: string; secret: string }>('/webhooks/sendgrid/connection', { scheme: 'generic' });
  const deliveries = (await allPages<Delivery>(http, `/campaigns/${campaignId}/deliveries`)).filter(({ status }) => status === 'accepted');
  const at = new Date().toISOString();
  const event = (type: string, { id, customer_id }: Delivery) => ({ event_id: `${type}-${id}`, event_type: `email.${type}`, delivery_id: id, customer_id, campaign_id: campaignId, timestamp: at });
  const [bounced, ...reached] = deliveries;
  const items = [
    event('bounced', bounced!),
    ...reached.map((one) => event('delivered', one)),
    ...reached.filter((_, n) => n % 2 === 0).map((one) => event('opened', one)),
    ...reached.filter((_, n) => n % 5 === 0).map((one) => event('clicked', one)),
    event('unsubscribed', reached[0]!),
  ];
  const path = new URL(connection.url).pathname.replace('/api/v1/marketing', '') + new URL(connection.url).search;
  const post = async (events: unknown[], secret = connection.secret): Promise<Response> => {
    const body = JSON.stringify(events);
    const timestamp = String(Math.floor(Date.now() / SECOND));
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
    return http.raw('POST', path, body, { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': `sha256=${signature}` });
  };
  const webhooks = { received: 0, duplicates: 0, forged: 0 };
  for (const round of [items, items.slice(0, 10)]) {
    const answer = (await (await post(round)).json()) as { received: number; duplicates: number };
    webhooks.received += answer.received;
    webhooks.duplicates += answer.duplicates;
  }
  webhooks.forged = (await post(items, 'whsec_not-the-secret')).status;
  assert(webhooks.forged === 401, 'a wrong signature is refused with 401', webhooks.forged);
  const clicks = items.filter(({ event_type }) => event_type === 'email.clicked').length;
  const { metrics } = await until(() => http.get<{ metrics: Metrics }>(`/campaigns/${campaignId}`), (one) => one.metrics.clicked === clicks && one.metrics.unsubscribed === 1 && one.metrics.bounced === 1);
  print('4. Signed provider events: counted once, the forged one refused', { ...webhooks, metrics });
  return { webhooks, metrics };
}

async function redeemPromos(http: HttpClient, campaignId: string, print: Print): Promise<Pick<MainJobResult, 'promo' | 'conversion'>> {
  const campaign = await http.get<{ promo_code: string }>(`/campaigns/${campaignId}`);
  const [delivery] = await allPages<Delivery>(http, `/campaigns/${campaignId}/deliveries`);
  const run = randomUUID().slice(0, 8);
  const order = (id: string, price: number) => ({ id: `${id}-${run}`, items: [{ id: 'line-1', product_id: 'margherita', quantity: 2, unit_price: price }] });
  const valid = await http.post<{ valid: boolean; total_discount_amount: number }>('/promos/validate', { code: campaign.promo_code, customer_id: delivery!.customer_id, order: order('order', 20) });
  assert(valid.valid && valid.total_discount_amount === 10, '25% of 40.00 is 10.00', valid);
  const percentage = await http.post<{ discount_amount: number }>('/promos/redemptions', { code: campaign.promo_code, customer_id: delivery!.customer_id, order: order('order', 20) });
  await http.post('/events', {
    events: [{ id: `order-event-${run}`, type: 'order_completed', customer_id: delivery!.customer_id, occurred_at: new Date().toISOString(), order: { id: `order-${run}`, total: 30, items: [], promo_code: campaign.promo_code } }],
  });

  const limited = `TAKE5-${run.toUpperCase()}`;
  await http.post('/promos', { code: limited, type: 'fixed_amount', value: 5, min_order_amount: 25, usage_limit: 20, applies_to: { all_items: true } });
  const below = await http.post<{ valid: boolean; inapplicable: { reason: string }[] }>('/promos/validate', { code: limited, order: order('small', 10) });
  assert(below.inapplicable[0]?.reason === 'min_order_not_met', 'an order of 20.00 is below the minimum of 25.00', below);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => http.raw('POST', '/promos/redemptions', { code: limited, customer_id: `rush-${run}-${n}`, order: order(`rush-${n}`, 20) })),
  );
  const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { discount_amount?: number }[];
  const promo = {
    redeemed: answers.filter(({ status }) => status === 201).length,
    refused: answers.filter(({ status }) => status === 409).length,
    fixed_discount: bodies.find(({ discount_amount }) => discount_amount !== undefined)?.discount_amount ?? 0,
    percentage_discount: percentage.discount_amount,
  };
  assert(promo.redeemed === 20 && promo.refused === 30, '50 customers at once redeem a code of 20 uses exactly 20 times', promo);
  print('5. Promo codes validated and redeemed, the limit of 20 exact under 50 at once', promo);
  const { metrics } = await until(() => http.get<{ metrics: Metrics }>(`/campaigns/${campaignId}`), (one) => one.metrics.converted === 1 && one.metrics.revenue_attributed === 30);
  const conversion = { converted: metrics.converted!, revenue: metrics.revenue_attributed! };
  print('   The order counts as the campaign’s conversion', conversion);
  return { promo, conversion };
}

async function allPages<Row>(http: HttpClient, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { data: Row[]; meta: { next_cursor: string | null } } = await http.get(`${path}?limit=100${cursor && `&cursor=${cursor}`}`);
    rows.push(...page.data);
    cursor = page.meta.next_cursor;
  }
  return rows;
}

/** Repeats the request until the answer is the wanted one. */
async function until<T>(ask: () => Promise<T>, is: (answer: T) => boolean, seconds = 30): Promise<T> {
  for (const deadline = Date.now() + seconds * SECOND; ; await sleep(200)) {
    const answer = await ask();
    if (is(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Waited ${seconds} s in vain; the last answer: ${JSON.stringify(answer)}`);
  }
}

function assert(condition: boolean, claim: string, seen: unknown): asserts condition {
  if (!condition) throw new Error(`Not so: ${claim}. Seen: ${JSON.stringify(seen)}`);
}

const earliest = (events: DemoEvent[]): Date => new Date(events.reduce((first, { occurred_at }) => (occurred_at < first ? occurred_at : first), events[0]!.occurred_at));
const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

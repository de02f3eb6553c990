import { demoPeople } from './demo-people.js';
import { HttpClient } from './http-client.js';

const BATCH = 1000;
const HOUR = 3_600_000;

interface Seeding {
  api: string;
  token: string;
  say(line: string): void;
  guests?: number;
}

/**
 * Fills the tenant "demo" through the API itself, as an integrator would. Every step can be repeated without effect (ids,
 * upserts, Idempotency-Keys), so that the next start completes one that was killed halfway.
 */
export async function seedDemo({ api, token, say, guests = 3000 }: Seeding): Promise<void> {
  const http = new HttpClient(api, token);
  const once = (key: string) => ({ 'idempotency-key': `demo-${key}` });
  const { data: promos } = await http.get<{ data: { code: string }[] }>('/promos?limit=100');
  if (promos.some((promo) => promo.code === LAST_PROMO)) return;
  say('Filling the tenant "demo" …');
  const now = new Date();
  const { customers, events } = demoPeople(guests, now);
  for (let n = 0; n < customers.length; n += BATCH) await http.post('/customers/batch', { customers: customers.slice(n, n + BATCH) });
  for (let n = 0; n < events.length; n += BATCH) await http.post('/events', { events: events.slice(n, n + BATCH) });

  const segment = (key: string, name: string, criteria: object) => http.post<{ id: string }>('/segments', { name, type: 'dynamic', criteria }, once(key));
  const highValue = await segment('high-value', 'High Value Customers', { total_spent: { gte: 500 }, order_count: { gte: 10 }, loyalty_tier: { in: ['gold', 'platinum'] } });
  const platinum = await segment('platinum', 'Platinum guests of Springfield', { all: [{ loyalty_tier: 'platinum' }, { city: 'Springfield' }] });
  const lapsed = await segment('lapsed', 'Silent for 60 days', { last_order_days_ago: { gte: 60 }, order_count: { gte: 2 } });

  const at = (hours: number): string => new Date(now.getTime() + hours * HOUR).toISOString();
  const content = (subject: string, body: string) => ({ subject, body, cta_text: 'Order now', cta_url: 'https://order.example.com/menu' });
  const campaign = (key: string, body: object) => http.post<{ id: string; status: string }>('/campaigns', body, once(key));
  await campaign('draft', { name: 'Autumn newsletter', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' });
  await campaign('scheduled', {
    name: 'We miss you', type: 'reengagement', channels: ['email'], segment_id: lapsed.id,
    content: content('We saved you a table, {{ customer.first_name | default: "friend" }}', 'It has been a while. Come back this week and dessert is on us.'),
    schedule: { start_date: at(72), end_date: at(24 * 14) },
  });
  const start = async (key: string, body: object): Promise<string> => {
    const { id, status } = await campaign(key, body);
    if (status === 'draft') await http.post(`/campaigns/${id}/start`);
    return id;
  };
  await start('completed', {
    name: 'Platinum evening', type: 'loyalty', channels: ['email'], segment_id: platinum.id,
    content: content('An evening for you, {{ customer.first_name }}', 'Six courses, one long table, and you.'),
  });
  await start('active', {
    name: 'Gold weekend', type: 'promotion', channels: ['email'], segment_id: highValue.id,
    content: content('25% off this weekend', 'Your code: {{ promo_code }}'),
    schedule: { end_date: at(24 * 7) }, promo_code: 'GOLD25', promo_discount_percent: 25,
  });
  const paused = await start('paused', {
    name: 'Loyalty points reminder', type: 'loyalty', channels: ['email'], segment_id: 'seg_loyalty_gold',
    content: content('{{ customer.loyalty_points }} points are waiting', 'Use them for your next order.'), schedule: { end_date: at(24 * 30) },
  });
  const { status } = await http.get<{ status: string }>(`/campaigns/${paused}`);
  if (status === 'active') await http.post(`/campaigns/${paused}/pause`);

  await http.post('/promos', { code: 'LUNCH5', type: 'fixed_amount', value: 5, min_order_amount: 20, applies_to: { all_items: true } }, once('lunch'));
  await http.post('/promos', {
    code: LAST_PROMO, type: 'percentage', value: 20, min_order_amount: 25, max_discount: 50, usage_limit: 1000, per_customer_limit: 1,
    valid_from: at(-24), valid_until: at(24 * 365), applies_to: { all_items: true }, customer_segment_id: 'seg_new_customers',
  }, once('welcome'));
  say(`${customers.length} customers, ${events.length} events, campaigns in every status, promo codes.`);
}

/** Created last: if it exists, the demo tenant is complete. The codes in the document's examples are not taken, so that the examples work here when pasted. */
const LAST_PROMO = 'HELLO20';

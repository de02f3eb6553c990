import type { Bench } from './bench.js';

/** BENCH_CUSTOMERS takes fewer, to try the bench itself: its figures then mean nothing. */
export const CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 1_000_000);

/**
 * A million guests as a large restaurant group has them: a fifth never ordered, most of the others once or twice, few very often; a twentieth
 * are gold; half of the orders are less than 75 days old.
 */
const GUESTS = `
  INSERT INTO customers (tenant_id, customer_no, customer_id, email, phone, first_name, last_name, name_search, last_name_search, birthday, city, loyalty_tier, loyalty_points, tags, attributes,
                         consent_email, order_count, total_spent, first_order_at, last_order_at, created_at, updated_at)
  SELECT $1, n, 'c' || n, 'guest' || n || '@example.com', '+4179' || lpad(n::text, 7, '0'), 'Ada', 'Guest' || n, 'ada guest' || n, 'guest' || n, date '1950-01-01' + (a * 20000)::int,
         (ARRAY['Zürich', 'Bern', 'Basel', 'Genf', 'Rome', 'Milan', 'Paris', 'Lyon', 'Wien', 'Berlin'])[1 + floor(b * b * 10)::int],
         CASE WHEN c < 0.05 THEN 'gold' WHEN c < 0.2 THEN 'silver' WHEN c < 0.5 THEN 'bronze' END, (d * d * 1000)::int,
         CASE WHEN a < 0.2 THEN ARRAY['vip'] WHEN a < 0.3 THEN ARRAY['lunch', 'vegan'] ELSE '{}' END, jsonb_build_object('diet', CASE WHEN b < 0.1 THEN 'vegan' ELSE 'any' END, 'visits', (c * 50)::int),
         CASE WHEN d < 0.8 THEN 'subscribed' ELSE 'unsubscribed' END, orders, (orders * (10 + b * 60) * 100)::bigint,
         CASE WHEN orders > 0 THEN now() - interval '1 day' * (c * 700 + d * d * 300) END, CASE WHEN orders > 0 THEN now() - interval '1 day' * (d * d * 300) END,
         now() - interval '1 day' * (c * 700 + d * d * 300 + 1), now()
    FROM (SELECT n, random() AS a, random() AS b, random() AS c, random() AS d, CASE WHEN random() < 0.2 THEN 0 ELSE floor(1 / (random() * 0.98 + 0.02))::int END AS orders
            FROM generate_series(1, $2::int) n) guests`;

/** Unless they are there already. */
export async function seedCustomers({ sql, tenantId }: Pick<Bench, 'sql' | 'tenantId'>, count = CUSTOMERS): Promise<void> {
  const { rowCount } = await sql.query('SELECT FROM customers WHERE tenant_id = $1 LIMIT 1', [tenantId]);
  if (rowCount! > 0) return;
  await sql.query('SELECT setseed(0.4)');
  await sql.query(GUESTS, [tenantId, count]);
  await sql.query('INSERT INTO customer_ordinals (tenant_id, next) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET next = excluded.next', [tenantId, count + 1]);
  await sql.query('VACUUM ANALYZE customers');
}

/** The page's own three criteria, each with the SQL that one would write by hand. */
export const PAGES_CRITERIA: readonly { criteria: object; byHand: string }[] = [
  { criteria: { loyalty_tier: 'gold' }, byHand: `loyalty_tier = 'gold'` },
  { criteria: { last_order_days_ago: { gte: 30 } }, byHand: `last_order_at <= now() - interval '30 days'` },
  { criteria: { total_spent: { gte: 500 }, order_count: { gte: 10 }, loyalty_tier: { in: ['gold', 'platinum'] } }, byHand: `total_spent >= 50000 AND order_count >= 10 AND loyalty_tier IN ('gold', 'platinum')` },
];

/** Menus that a part of the guests looked at in the last hundred days, told as any caller would. */
export async function seedEvents({ api, token }: Bench, batches = 20): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: 1000 }, (_, n) => ({
      id: `bench-${batch}-${n}`, type: 'menu_viewed', customer_id: `c${1 + ((batch * 1000 + n) * 7) % CUSTOMERS}`, occurred_at: new Date(Date.now() - ((batch * 1000 + n) % 100) * 86_400_000).toISOString(),
    }));
    const response = await fetch(`${api.url}/api/v1/marketing/events`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ events }) });
    if (response.status !== 202) throw new Error(`events: ${response.status} ${await response.text()}`);
  }
}

/** As many criteria as wanted, of every kind: a tier in a city, orders, lapse, points, attributes, tags, events, and other segments. */
export const manyCriteria = (count: number): object[] =>
  Array.from({ length: count }, (_, i): object => {
    const kinds = [
      { loyalty_points: { between: [i * 4, i * 4 + 60] } },
      { city: ['Bern', 'Rome', 'Wien'][i % 3], order_count: { gte: 1 + (i % 20) } },
      { last_order_days_ago: { between: [i, i + 20] } },
      { 'attributes.visits': { gte: 20 + (i % 28) }, loyalty_tier: 'silver' },
      { any: [{ tags: 'vip' }, { loyalty_tier: 'gold' }], total_spent: { gte: 100 + i * 5 } },
      { segment: { in: ['seg_loyalty_gold'] }, order_count: { gte: i % 10 } },
      { not: { last_order_days_ago: { lt: 100 + i } }, order_count: { gte: 2 } },
      { 'consent.email': 'unsubscribed', days_since_signup: { lt: 100 + i } },
      { event: { name: 'menu_viewed', count: { gte: 1 }, within: { last: 10 + (i % 80), unit: 'day' } } },
      { event: { name: 'order_completed', count: { gte: 2 } }, city: 'Rome' },
    ];
    return kinds[i % kinds.length]!;
  });

import { Faker, en } from '@faker-js/faker';

/** One order or other event, as `POST /events` takes it. */
export interface DemoEvent {
  id: string;
  type: string;
  customer_id: string;
  occurred_at: string;
  stage?: string;
  properties?: Record<string, unknown>;
  order?: { id: string; total: number; items: { product_id: string; quantity: number; unit_price: number }[]; location_id: string; channel: string; promo_code?: string };
}

export interface DemoCustomer {
  customer_id: string;
  [field: string]: unknown;
}

const MENU = [
  { product_id: 'margherita', unit_price: 11.5 },
  { product_id: 'diavola', unit_price: 13.9 },
  { product_id: 'lasagne', unit_price: 14.5 },
  { product_id: 'caesar-salad', unit_price: 9.8 },
  { product_id: 'tiramisu', unit_price: 6.5 },
  { product_id: 'house-red-glass', unit_price: 5.9 },
  { product_id: 'espresso', unit_price: 2.4 },
] as const;
const CITIES = ['Springfield', 'Riverton', 'Lakeside', 'Fairview', 'Hillcrest'];
const TIERS = ['bronze', 'silver', 'gold', 'platinum'] as const;
const DAY = 86_400_000;

/**
 * Plausible guests: most came once or twice, a few come every week, tiers follow spending, and many have stopped coming.
 * The same people at every start (the seed is fixed); only their dates move with `now`.
 */
export function demoPeople(count: number, now: Date): { customers: DemoCustomer[]; events: DemoEvent[] } {
  const faker = new Faker({ locale: en, seed: 2026 });
  const customers: DemoCustomer[] = [];
  const events: DemoEvent[] = [];
  for (let n = 1; n <= count; n++) {
    const customerId = `guest-${String(n).padStart(5, '0')}`;
    const orders = Math.min(40, Math.floor(Math.exp(faker.number.float({ min: 0, max: 1 }) ** 2 * 3.2)) - 1);
    const silentDays = faker.number.int({ min: 0, max: 240 }) * faker.number.float({ min: 0.1, max: 1 });
    events.push(...visits(faker, customerId, orders, now.getTime() - silentDays * DAY));
    const [first, last] = [faker.person.firstName(), faker.person.lastName()];
    customers.push({
      customer_id: customerId,
      email: `${first}.${last}.${n}@example.com`.toLowerCase().replace(/[^a-z0-9.@]/g, ''),
      phone: n % 3 === 0 ? `+1415555${String(n % 10000).padStart(4, '0')}` : null,
      first_name: first,
      last_name: last,
      city: faker.helpers.arrayElement(CITIES),
      locale: n % 9 === 0 ? 'es-US' : 'en-US',
      timezone: 'America/Chicago',
      birthday: faker.date.birthdate({ min: 18, max: 80, mode: 'age' }).toISOString().slice(0, 10),
      loyalty_tier: orders < 2 ? null : TIERS[Math.min(3, Math.floor(orders / 6))],
      loyalty_points: orders * 25,
      tags: [...(n % 11 === 0 ? ['vip'] : []), ...(n % 7 === 0 ? ['vegetarian'] : [])],
      consents: { email: { status: n % 13 === 0 ? 'unsubscribed' : 'subscribed', source: 'demo' }, ...(n % 3 === 0 && { sms: { status: 'subscribed', source: 'demo' } }) },
    });
  }
  return { customers, events };
}

function visits(faker: Faker, customerId: string, orders: number, latest: number): DemoEvent[] {
  const events: DemoEvent[] = [];
  const event = (type: string, at: number, more: Partial<DemoEvent> = {}): void =>
    void events.push({ id: `${customerId}-${events.length}`, type, customer_id: customerId, occurred_at: new Date(at).toISOString(), ...more });
  const gap = faker.number.int({ min: 4, max: 30 }) * DAY;
  const first = latest - Math.max(0, orders - 1) * gap;
  event('touchpoint', first - 2 * DAY, { properties: { source: faker.helpers.arrayElement(['search', 'friend', 'flyer']) } });
  if (orders > 0 || faker.datatype.boolean(0.6)) event('menu_viewed', first - DAY);
  if (orders > 0 || faker.datatype.boolean(0.4)) event('cart_item_added', first - 3_600_000);
  for (let n = 0; n < orders; n++) {
    const at = first + n * gap;
    event('checkout_started', at - 600_000);
    const items = faker.helpers.arrayElements(MENU, { min: 1, max: 4 }).map((dish) => ({ ...dish, quantity: faker.number.int({ min: 1, max: 3 }) }));
    const total = Math.round(items.reduce((sum, item) => sum + item.quantity * item.unit_price, 0) * 100) / 100;
    event('order_completed', at, {
      order: { id: `order-${customerId}-${n}`, total, items, location_id: faker.helpers.arrayElement(['downtown', 'harbour']), channel: faker.helpers.arrayElement(['dine_in', 'delivery', 'pickup']) },
    });
  }
  return events;
}

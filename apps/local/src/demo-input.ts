import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type DemoEvent, demoPeople } from './demo-people.js';
import type { MainJobInput } from './main-job.js';

/** Generated guests, for `npm run demo` without a file. */
export function generatedInput(count: number): MainJobInput {
  const { customers, events } = demoPeople(count, new Date());
  const columns = ['customer_id', 'email', 'first_name', 'last_name', 'city', 'loyalty_tier'];
  const rows = customers.map((customer) => columns.map((column) => (customer[column] as string | null) ?? '').join(','));
  return { customersCsv: [columns.join(','), ...rows, ''].join('\n'), events };
}

/** Years added to the dates of the CDNOW sample (1997-98), which lie before the year 2000: 28 keeps the weekdays. */
const CDNOW_SHIFT = 28;

/**
 * The CDNOW sample of Fader and Hardie (columns: id in master, id in sample, date YYYYMMDD, CDs, dollars) as customers and orders:
 * 2,357 customers, 6,919 orders, 244,091.94 in total.
 */
export async function cdnowInput(file: string): Promise<MainJobInput> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  const events = lines.map((line, n): DemoEvent => {
    const [, customer, date, , dollars] = line.trim().split(/\s+/) as [string, string, string, string, string];
    const occurred = `${Number(date.slice(0, 4)) + CDNOW_SHIFT}-${date.slice(4, 6)}-${date.slice(6, 8)}T12:00:00Z`;
    return {
      id: `cdnow-${n}`,
      type: 'order_completed',
      customer_id: `cdnow-${customer}`,
      occurred_at: occurred,
      order: { id: `cdnow-${n}`, total: Number(dollars), items: [], location_id: 'cdnow', channel: 'web' },
    };
  });
  const ids = [...new Set(events.map((event) => event.customer_id))];
  return { customersCsv: ['customer_id,email', ...ids.map((id) => `${id},${id}@example.com`), ''].join('\n'), events };
}

/** Our event types for the events of the retentioneering sample's shop. */
const ECOM_TYPES: Readonly<Record<string, string>> = {
  home: 'touchpoint',
  catalog: 'menu_viewed',
  product_view: 'page_viewed',
  add_to_cart: 'cart_item_added',
  shipping_details: 'checkout_started',
  compare: 'options_compared',
};

/** Shop events (user_id,session_id,event,timestamp,…) as behaviour events; types that match no stage of ours keep their own name. */
export async function ecomEvents(file: string): Promise<DemoEvent[]> {
  const [, ...lines] = gunzipSync(await readFile(file)).toString('utf8').trim().split('\n');
  return lines.map((line, n) => {
    const [user, session, event, timestamp] = line.split(',') as [string, string, string, string];
    return { id: `ecom-${n}`, type: ECOM_TYPES[event] ?? event, customer_id: user, occurred_at: `${timestamp.replace(' ', 'T')}Z`, properties: { session }, ...(event === 'purchase' && { stage: 'purchase' }) };
  });
}

import { addCustomers, type KnownCustomer } from './customers.js';
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';

const CAMPAIGNS = '/api/v1/marketing/campaigns';
const SEGMENTS = '/api/v1/marketing/segments';
const PROMOS = '/api/v1/marketing/promos';

export const UNIQUE_CODE = /^[A-Z0-9][A-Z0-9_-]{0,18}-[0-9A-HJKMNP-TV-Z]{12}$/;

/** A tenant whose campaigns give each recipient a promo code of their own. */
export function codeShop(app: TestApp, tenant: string) {
  const api = app.api(['tenant_admin'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  let orders = 0;
  const orderOf = (id: string) => ({ id, channel: 'dine_in', items: [{ id: '1', quantity: 1, unit_price: 20 }] });
  return {
    api,
    one,
    async guests(...guests: KnownCustomer[]): Promise<string> {
      await addCustomers(app, guests, tenant);
      const { data } = await api.POST(SEGMENTS, { body: { name: 'Guests', type: 'static' } });
      await api.POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id: data!.id } }, body: { customer_ids: guests.map(({ id }) => id) } });
      return data!.id;
    },
    async create(segment_id: string, over: object = {}): Promise<string> {
      const body = {
        name: 'Sale', type: 'promotion' as const, channels: ['email' as const], segment_id, promo_code: 'FLASH25', promo_discount_percent: 25, unique_promo_codes: true,
        content: { subject: 'Your code', body: 'Code {{ promo_code }}.', cta_text: 'Order', cta_url: 'https://order.example.com/?promo={{ promo_code }}' },
        ...over,
      };
      const { data, error } = await api.POST(CAMPAIGNS, { body });
      expect(error).toBeUndefined();
      return data!.id;
    },
    async start(campaign_id: string): Promise<void> {
      expect((await api.POST(`${CAMPAIGNS}/{campaign_id}/start`, one(campaign_id))).error).toBeUndefined();
    },
    /** Waits until everybody was written to. */
    done: (campaign_id: string) => eventually(async () => expect((await api.GET(`${CAMPAIGNS}/{campaign_id}`, one(campaign_id))).data!.status).toBe('completed')),
    campaign: async (campaign_id: string) => (await api.GET(`${CAMPAIGNS}/{campaign_id}`, one(campaign_id))).data!,
    /** The codes by customer id, as the ledger tells them. */
    async codes(campaign_id: string): Promise<Record<string, string>> {
      const { data } = await api.GET(`${CAMPAIGNS}/{campaign_id}/deliveries`, { params: { path: { campaign_id }, query: { limit: 100 } } });
      return Object.fromEntries(data!.data.map((row) => [row.customer_id, row.promo_code!]));
    },
    async redeem(code: string, customer_id?: string, order = `order_${++orders}`) {
      const { data, error, response } = await api.POST(`${PROMOS}/redemptions`, { body: { code, customer_id, order: orderOf(order) } });
      return { status: response.status, code: (error as { code?: string } | undefined)?.code, body: data as { id: string; customer_id: string | null; promo_id: string; code: string } };
    },
    async validate(code: string, customer_id?: string) {
      const { data, error } = await api.POST(`${PROMOS}/validate`, { body: { code, customer_id, order: orderOf('order_asked') } });
      return data === undefined ? (error as { code: string }).code : data.valid ? 'valid' : data.inapplicable[0]!.reason;
    },
    rollback: async (redemption_id: string) => (await api.POST(`${PROMOS}/redemptions/{redemption_id}/rollback`, { params: { path: { redemption_id } }, body: {} })).data!,
  };
}

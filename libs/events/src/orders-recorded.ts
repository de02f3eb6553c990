import { eventType } from '#jobs';

export interface RecordedOrder {
  order_id: string;
  customer_no: number;
  /** Minor units, net of refunds. */
  total: number;
  /** RFC 3339. */
  occurred_at: string;
  promo_code: string | null;
}

/** Orders came in, or refunds changed them; once a batch, at most 1,000. An order may be told again: what it says last is what holds. */
export const ORDERS_RECORDED = eventType<{ orders: RecordedOrder[] }>('orders.recorded');

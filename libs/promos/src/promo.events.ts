import { eventType } from '#jobs';

/** A promo was redeemed on an order. */
export const PROMO_REDEEMED = eventType<{
  redemption_id: string;
  promo_id: string;
  customer_no: number | null;
  /** Of whose customers the code was one's own. */
  campaign_no: number | null;
  order_id: string;
  /** Minor units, after the discount. */
  order_total: number;
  /** RFC 3339. */
  at: string;
}>('promo.redeemed');

/** A redemption was taken back. */
export const PROMO_ROLLED_BACK = eventType<{ redemption_id: string; promo_id: string; order_id: string }>('promo.rolled_back');

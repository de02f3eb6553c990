export const REDEMPTION_STATUSES = ['reserved', 'redeemed', 'rolled_back', 'expired'] as const;
export type RedemptionStatus = (typeof REDEMPTION_STATUSES)[number];

/** One row of the ledger: a promo used on an order. Amounts in minor units. */
export interface Redemption {
  redemptionId: string;
  promoNo: number;
  promoId: string;
  code: string;
  customerNo: number | null;
  orderId: string;
  status: RedemptionStatus;
  currency: string;
  orderAmount: number;
  /** After every discount of the call that made it, and those that stood before. */
  orderTotal: number;
  discount: number;
  deliveryDiscount: number;
  lineIds: string[];
  lineDiscounts: number[];
  /** The tenant's calendar day, `YYYY-MM-DD`. */
  day: string;
  createdAt: Date;
  rolledBackAt: Date | null;
  rollbackReason: string | null;
}

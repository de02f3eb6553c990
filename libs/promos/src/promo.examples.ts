/** The API reference's own request. */
export const WELCOME20_BODY = {
  code: 'WELCOME20',
  type: 'percentage',
  value: 20,
  min_order_amount: 25.0,
  max_discount: 50.0,
  usage_limit: 1000,
  per_customer_limit: 1,
  valid_from: '2026-01-01T00:00:00Z',
  valid_until: '2026-12-31T23:59:59Z',
  applies_to: { all_items: true },
  customer_segment_id: 'seg_new_customers',
};

export const HAPPY_HOUR = {
  code: 'HAPPYHOUR',
  type: 'fixed_amount',
  value: 3,
  applies_to: { category_ids: ['drinks'], channels: ['dine_in'] },
  schedule: { days: ['mon', 'tue', 'wed', 'thu'], from: '22:00', to: '01:00' },
  stackable: true,
};

/** The one that the other examples redeem: it holds at any hour. */
export const SPRITZ3 = { code: 'SPRITZ3', type: 'fixed_amount', value: 3, applies_to: { category_ids: ['drinks'], channels: ['dine_in'] }, stackable: true };

export const FREE_DELIVERY = { code: 'FREEDEL', type: 'free_delivery', min_order_amount: 15, stackable: true };

export const WELCOME20 = {
  id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd',
  ...WELCOME20_BODY,
  budget: null,
  valid_from: '2026-01-01T00:00:00.000Z',
  valid_until: '2026-12-31T23:59:59.000Z',
  schedule: null,
  first_order_only: false,
  unique_codes_only: false,
  stackable: false,
  priority: 0,
  status: 'active',
  uses: 214,
  created_at: '2025-12-28T10:00:00.000Z',
  updated_at: '2025-12-28T10:00:00.000Z',
};

export const STATS = {
  uses: 2,
  customers: 2,
  discount_amount: 12.3,
  order_revenue: 49.2,
  remaining_uses: 998,
  remaining_budget: null,
  by_day: [{ date: '2026-01-24', uses: 2, discount_amount: 12.3, order_revenue: 49.2 }],
};

export const REDEEM_BODY = {
  code: SPRITZ3.code,
  customer_id: 'cust_42',
  order: {
    id: 'order_1001',
    items: [
      { id: 'line_1', product_id: 'margherita', category_ids: ['pizza'], quantity: 2, unit_price: 11.5 },
      { id: 'line_2', product_id: 'spritz', category_ids: ['drinks'], quantity: 1, unit_price: 7.5 },
    ],
    channel: 'dine_in',
  },
};

const PRICED = {
  amount: 30.5,
  total_amount: 27.5,
  items: [
    { id: 'line_1', discount_amount: 0 },
    { id: 'line_2', discount_amount: 3 },
  ],
};

export const VALIDATION = {
  valid: true,
  total_discount_amount: 3,
  order: PRICED,
  applicable: [{ code: SPRITZ3.code, promo_id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd', discount_amount: 3 }],
  inapplicable: [],
  remaining_uses: null,
};

export const REDEMPTION = {
  id: 'red_01kzv3q6x0w9m2h7c4t8r5e1nd',
  code: SPRITZ3.code,
  promo_id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd',
  customer_id: 'cust_42',
  order_id: 'order_1001',
  status: 'redeemed',
  discount_amount: 3,
  order: PRICED,
  created_at: '2026-01-24T18:30:00.000Z',
  rolled_back_at: null,
  rollback_reason: null,
};

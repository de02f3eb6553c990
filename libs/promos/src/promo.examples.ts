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

export const WELCOME20 = {
  id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd',
  ...WELCOME20_BODY,
  budget: null,
  valid_from: '2026-01-01T00:00:00.000Z',
  valid_until: '2026-12-31T23:59:59.000Z',
  schedule: null,
  first_order_only: false,
  stackable: false,
  priority: 0,
  status: 'active',
  uses: 214,
  created_at: '2025-12-28T10:00:00.000Z',
  updated_at: '2025-12-28T10:00:00.000Z',
};

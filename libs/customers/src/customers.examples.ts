/** Example bodies and answers for the published document. */

export const UPSERT_EXAMPLE = {
  email: 'ada@example.com',
  phone: '+14155552671',
  first_name: 'Ada',
  last_name: 'Lovelace',
  locale: 'en-US',
  timezone: 'America/New_York',
  birthday: '1990-12-10',
  city: 'New York',
  loyalty_tier: 'gold',
  loyalty_points: 1200,
  tags: ['vip'],
  attributes: { favourite_dish: 'margherita' },
  consents: { email: { status: 'subscribed', source: 'signup_form', at: '2026-01-10T12:00:00.000Z' } },
};

export const PATCH_EXAMPLE = { loyalty_tier: 'platinum', city: null };

const UNKNOWN = { status: 'unknown', source: null, at: null };

export const CUSTOMER_EXAMPLE = {
  customer_id: 'cust_1001',
  ...UPSERT_EXAMPLE,
  consents: { email: UPSERT_EXAMPLE.consents.email, sms: UNKNOWN, push: UNKNOWN },
  push_subscription: null,
  order_count: 12,
  total_spent: 412.5,
  average_order_value: 34.38,
  first_order_at: '2026-01-12T18:30:00.000Z',
  last_order_at: '2026-03-02T19:05:00.000Z',
  median_order_gap_days: 4.02,
  created_at: '2026-01-10T12:00:00.000Z',
  updated_at: '2026-03-02T19:05:01.000Z',
};

export const PAGE_EXAMPLE = {
  data: [CUSTOMER_EXAMPLE],
  meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null },
};

export const BATCH_EXAMPLE = {
  customers: [
    { customer_id: 'cust_1001', email: 'ada@example.com', loyalty_tier: 'gold' },
    { customer_id: 'cust_1002', email: 'grace@example.com', tags: ['lunch'] },
  ],
};

export const BATCH_RESULT_EXAMPLE = {
  created: 1,
  updated: 0,
  rejected: 1,
  results: [
    { index: 0, customer_id: 'cust_1001', status: 'created' },
    { index: 1, customer_id: 'cust_1002', status: 'rejected', errors: [{ pointer: '/customers/1/email', code: 'is_email', detail: 'email must be an email address' }] },
  ],
};

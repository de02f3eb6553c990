/** Bodies and answers for the published document; the first of each is the API reference's own. */
export const HIGH_VALUE = {
  name: 'High Value Customers',
  type: 'dynamic',
  criteria: { total_spent: { gte: 500 }, order_count: { gte: 10 }, loyalty_tier: { in: ['gold', 'platinum'] } },
};

export const EVENT_CRITERIA = {
  name: 'Margherita lovers who went quiet',
  type: 'dynamic',
  criteria: {
    all: [
      { event: { name: 'order_completed', where: { 'order.items.product_id': 'margherita' }, count: { gte: 2 } } },
      { not: { event: { name: 'order_completed', within: { last: 60, unit: 'day' } } } },
      { any: [{ tags: { contains: 'vip' } }, { 'attributes.favourite_store': 'Main Street' }] },
    ],
  },
};

export const SEGMENT = {
  id: 'seg_01kzv3q6x0w9m2h7c4t8r5e1nd',
  ...HIGH_VALUE,
  size: 412,
  last_updated: '2026-01-24T00:00:00Z',
  description: null,
  created_at: '2026-01-20T09:30:00Z',
  updated_at: '2026-01-20T09:30:00Z',
};

export const PAGE = {
  data: [
    { id: 'seg_loyalty_gold', name: 'Gold Loyalty Members', type: 'dynamic', size: 1250, criteria: { loyalty_tier: 'gold' }, last_updated: '2026-01-24T00:00:00Z' },
    { id: 'seg_inactive_30', name: 'Inactive 30+ Days', type: 'dynamic', size: 890, criteria: { last_order_days_ago: { gte: 30 } } },
  ],
  meta: { page: 1, limit: 20, total: 2, total_relation: 'eq', has_more: false, next_cursor: null },
};

export const MEMBER = { customer_id: 'cust_1001', email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' };

export const MEMBERS_PAGE = { data: [MEMBER], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } };

export const PREVIEW = { size: 412, sample: [MEMBER] };

export const FIELDS = {
  data: [
    { name: 'loyalty_tier', type: 'text', operators: ['eq', 'ne', 'in', 'nin', 'contains', 'starts_with', 'exists'], values: null, description: 'Loyalty tier.' },
    { name: 'consent.email', type: 'choice', operators: ['eq', 'ne', 'in', 'nin'], values: ['subscribed', 'unsubscribed', 'unknown'], description: 'Consent to email.' },
  ],
};

export const QUEUED_IMPORT = {
  id: 'imp_01kzv3q6x0w9m2h7c4t8r5e1nd', status: 'queued', total_rows: 2357, processed: 0, created: 0, updated: 0, rejected: 0, created_at: '2026-01-24T18:30:00.000Z', finished_at: null,
};

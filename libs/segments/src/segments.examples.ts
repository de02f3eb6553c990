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

export const PREVIEW = {
  size: 412,
  sample: [MEMBER],
  breakdown: [
    { field: 'loyalty_tier', values: [{ value: 'gold', size: 300 }, { value: 'platinum', size: 112 }], other: 0, missing: 0 },
    { field: 'city', values: [{ value: 'Rome', size: 204 }, { value: 'Bern', size: 96 }], other: 0, missing: 112 },
  ],
};

export const OVERLAP = {
  segments: [{ id: 'seg_loyalty_gold', name: 'Gold Loyalty Members', size: 1250 }, { id: 'seg_inactive_30', name: 'Inactive 30+ Days', size: 890 }],
  union_size: 1930,
  overlaps: [
    { segment_ids: ['seg_loyalty_gold'], size: 1250, exclusive: 1040 },
    { segment_ids: ['seg_inactive_30'], size: 890, exclusive: 680 },
    { segment_ids: ['seg_loyalty_gold', 'seg_inactive_30'], size: 210, exclusive: 210 },
  ],
};

export const HISTORY = {
  data: [
    { date: '2026-01-23', size: 1231, entered: 0, exited: 0 },
    { date: '2026-01-24', size: 1250, entered: 31, exited: 12 },
  ],
};

export const EXPORT = `customer_id,email,phone,first_name,last_name,locale,timezone,birthday,city,loyalty_tier,loyalty_points,tags,consents.email.status,consents.email.source,consents.email.at,consents.sms.status,consents.sms.source,consents.sms.at,consents.push.status,consents.push.source,consents.push.at\r
cust_1001,ada@example.com,'+14155552671,Ada,Lovelace,en-US,America/New_York,1990-12-10,New York,gold,1200,vip|lunch,subscribed,signup_form,2026-01-10T12:00:00.000Z,unknown,,,unknown,,\r
`;

export const FIELDS = {
  data: [
    {
      name: 'loyalty_tier', label: 'Loyalty tier', group: 'profile', type: 'text', operators: ['eq', 'ne', 'in', 'nin', 'contains', 'starts_with', 'exists'], unit: null, values: null, suggests: true, references: null,
      can_be_missing: true, moves_with_time: false, example: { contains: 'an' }, description: 'Loyalty tier.',
    },
    {
      name: 'consent.email', label: 'Consent to email', group: 'consent', type: 'choice', operators: ['eq', 'ne', 'in', 'nin'], unit: null, values: ['subscribed', 'unsubscribed', 'unknown'], suggests: true, references: null,
      can_be_missing: false, moves_with_time: false, example: { eq: 'subscribed' }, description: 'Consent to email.',
    },
  ],
  operators: [{ name: 'gte', label: 'is at least', takes: 'value' }, { name: 'between', label: 'is between', takes: 'pair' }],
  event: {
    names: ['order_completed', 'menu_viewed'],
    where: [
      { path: 'order.items.product_id', label: 'Product', type: 'text', operators: ['eq', 'ne', 'in', 'nin', 'contains', 'starts_with', 'exists'], unit: null, example: { contains: 'an' }, description: 'Product of any item.' },
      { path: 'order.total', label: 'Order total', type: 'money', operators: ['eq', 'ne', 'in', 'nin', 'gt', 'gte', 'lt', 'lte', 'between', 'exists'], unit: 'USD', example: { gte: 500 }, description: 'As it was ordered, whatever was refunded since.' },
    ],
    count_operators: ['eq', 'gte'],
    units: ['hour', 'day', 'week'],
  },
  limits: { depth: 5, leaves: 50, values: 500, bytes: 16384, events: 5 },
};

export const FIELD_VALUES = { data: [{ value: 'Rome', size: 4200 }, { value: 'Roma', size: 200 }], approximate: true };

export const QUEUED_IMPORT = {
  id: 'imp_01kzv3q6x0w9m2h7c4t8r5e1nd', status: 'queued', total_rows: 2357, processed: 0, created: 0, updated: 0, rejected: 0,
  encoding: 'utf-8', dry_run: false, rows_per_second: null, eta_seconds: null, created_at: '2026-01-24T18:30:00.000Z', started_at: null, finished_at: null,
};

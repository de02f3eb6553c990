/** The API reference's own samples, and what they are answered with. */

export const FLASH_SALE = {
  name: 'Flash Sale Friday',
  type: 'promotion',
  channels: ['push', 'email'],
  segment_id: 'seg_all_customers',
  content: {
    subject: 'Flash Sale - 25% Off Today Only!',
    body: "Don't miss our biggest sale of the season...",
    cta_text: 'Shop Now',
    cta_url: 'https://order.example.com?promo=FLASH25',
  },
  schedule: { start_date: '2026-01-31T12:00:00Z', end_date: '2026-01-31T23:59:59Z' },
  promo_code: 'FLASH25',
  promo_discount_percent: 25,
};

/** Each in their language, and visits told apart in web analytics. */
export const IN_TWO_LANGUAGES = {
  name: 'Flash Sale in two languages',
  type: 'promotion',
  channels: ['email'],
  segment_id: 'seg_all_customers',
  content: {
    subject: 'Flash Sale - 25% Off Today Only!',
    preheader: 'Until midnight, in all our restaurants',
    body: "Don't miss our biggest sale of the season...",
    cta_text: 'Shop Now',
    cta_url: 'https://order.example.com/menu',
    locales: { de: { subject: 'Nur heute: 25 % auf alles!', preheader: 'Bis Mitternacht, in allen Restaurants', body: 'Unser größter Ausverkauf der Saison …', cta_text: 'Jetzt bestellen', cta_url: 'https://order.example.com/de/menu' } },
  },
  utm: { source: 'newsletter', campaign: 'flash_sale' },
};

/** Two subjects on a fifth of the audience; the better one goes to the rest four hours later. */
export const SUBJECT_TEST = {
  name: 'Flash Sale, subjects tested',
  type: 'promotion',
  channels: ['email'],
  segment_id: 'seg_all_customers',
  content: { subject: 'Flash Sale - 25% Off Today Only!', body: "Don't miss our biggest sale of the season...", cta_text: 'Shop Now', cta_url: 'https://order.example.com/menu' },
  variants: [
    { id: 'loud', weight: 1, content: {} },
    { id: 'personal', weight: 1, content: { subject: '{{ customer.first_name | default: "Hello" }}, your 25% is waiting' } },
  ],
  ab_test: { sample_percent: 20, metric: 'clicked', wait_minutes: 240 },
  holdout_percent: 10,
};

/** A code for each guest, which nobody else can use. */
export const OWN_CODES = {
  name: 'We miss you',
  type: 'reengagement',
  channels: ['email', 'sms'],
  segment_id: 'seg_inactive_30',
  content: { subject: 'A table is waiting for you', body: 'Your own code for 20% off: {{ promo_code }}', cta_text: 'Order', cta_url: 'https://order.example.com/?promo={{ promo_code }}' },
  promo_code: 'COMEBACK20',
  promo_discount_percent: 20,
  unique_promo_codes: true,
};

/** The least that makes a campaign. */
export const BARE_DRAFT = { name: 'Welcome to the family', type: 'onboarding', channels: ['email'], segment_id: 'seg_new_customers' };

const ID = 'camp_01kzv3q6x0w9m2h7c4t8r5e1nd';

export const CAMPAIGN_PAGE = {
  data: [
    {
      id: 'camp_001',
      name: 'Summer Promo 2026',
      type: 'promotion',
      status: 'active',
      channels: ['email', 'push', 'sms'],
      segment_id: 'seg_loyalty_gold',
      start_date: '2026-06-01T00:00:00Z',
      end_date: '2026-08-31T23:59:59Z',
      metrics: { sent: 5420, opened: 2180, clicked: 845, converted: 156 },
    },
  ],
  meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null },
};

const NOTHING_YET = {
  sent: 0, delivered: 0, opened: 0, open_rate: 0, clicked: 0, click_rate: 0, converted: 0, conversion_rate: 0, revenue_attributed: 0,
  unsubscribed: 0, bounced: 0, failed: 0, complained: 0, skipped: 0, unknown: 0, machine_opened: 0,
};

/** Created in January 2026, as on the reference page: its start lies in the future. */
export const SCHEDULED = {
  id: ID,
  name: 'Flash Sale Friday',
  type: 'promotion',
  status: 'scheduled',
  channels: ['push', 'email'],
  segment_id: 'seg_all_customers',
  segment: { id: 'seg_all_customers', name: 'All Customers', size: 5420 },
  content: FLASH_SALE.content,
  start_date: '2026-01-31T12:00:00Z',
  end_date: '2026-01-31T23:59:59Z',
  schedule: { ...FLASH_SALE.schedule, local_time: false },
  promo_id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd',
  promo_code: 'FLASH25',
  promo_discount_percent: 25,
  unique_promo_codes: false,
  priority: 0,
  holdout_percent: null,
  stop_rules: null,
  utm: null,
  delivery_mode: 'broadcast',
  send_window: null,
  exclude_segment_ids: [],
  variants: [],
  ab_test: null,
  warnings: [],
  metrics: NOTHING_YET,
  created_at: '2026-01-25T10:00:00Z',
  updated_at: '2026-01-25T10:00:00Z',
  started_at: null,
  completed_at: null,
  canceled_at: null,
};

export const DRAFT = { ...SCHEDULED, status: 'draft', start_date: null, end_date: null, schedule: { start_date: null, end_date: null, local_time: false } };
export const ACTIVE = { ...SCHEDULED, status: 'active', started_at: '2026-01-31T12:00:00Z' };
export const PAUSED = { ...ACTIVE, status: 'paused' };
export const CANCELED = { ...SCHEDULED, status: 'completed', completed_at: '2026-01-31T15:00:00Z', canceled_at: '2026-01-31T15:00:00Z' };

export const COMPLETED = {
  ...ACTIVE,
  id: 'camp_001',
  status: 'completed',
  completed_at: '2026-01-31T23:59:59Z',
  metrics: {
    ...NOTHING_YET,
    sent: 5420, delivered: 5380, opened: 2180, open_rate: 40.5, clicked: 845, click_rate: 15.7, converted: 156, conversion_rate: 2.9, revenue_attributed: 4680, unsubscribed: 12,
  },
};

export const PREVIEW = {
  customer_id: 'cust_1001',
  variant: null,
  messages: [
    {
      channel: 'push', to: null, decision: 'skip', reason: 'no_address', subject: 'Flash Sale - 25% Off Today Only!', html: null, text: "Don't miss our biggest sale of the season...",
      url: 'https://order.example.com?promo=FLASH25', sms: null, error: null,
    },
    {
      channel: 'email', to: 'ada@example.com', decision: 'send', reason: null, subject: 'Flash Sale - 25% Off Today Only!', html: '<!doctype html>…', text: "Don't miss our biggest sale of the season...\n\nShop Now: https://order.example.com?promo=FLASH25",
      url: null, sms: null, error: null,
    },
  ],
};

export const TESTED = { results: [{ to: 'ada@example.com', status: 'accepted', reason: null, provider_message_id: '<dlv_00000800000800000ea80@example.com>' }] };

export const PREFLIGHT = {
  channels: [
    {
      channel: 'email', audience: 5420, sendable: 5300, skipped: [{ reason: 'no_address', customers: 41 }, { reason: 'no_consent', customers: 61 }, { reason: 'suppressed', customers: 18 }],
      missing_fields: [{ field: 'customer.first_name', customers: 112 }], sms: null, messages_per_second: 50, expected_seconds: 106, expected_finish: '2026-01-31T12:01:46Z',
    },
  ],
  overlaps: [{ campaign_id: 'camp_001', name: 'Summer Promo 2026', status: 'active', customers: 840 }],
  warnings: [],
};

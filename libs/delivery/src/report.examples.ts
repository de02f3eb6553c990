/** A test of two subjects on a fifth of some five thousand customers, with a control group. */

const rate = (of: number, low: number, high: number) => ({ rate: of, interval: { low, high } });

const NUMBERS = {
  sent: 4878, delivered: 4842, opened: 1962, clicked: 760, converted: 141, unsubscribed: 11, bounced: 36, failed: 0, complained: 0, skipped: 542, unknown: 0, machine_opened: 312, revenue_attributed: 4230,
  open_rate: rate(40.52, 39.15, 41.91), click_rate: rate(15.7, 14.7, 16.75), conversion_rate: rate(2.91, 2.47, 3.42),
};

const LOUD = {
  ...NUMBERS, sent: 489, delivered: 485, opened: 170, clicked: 52, converted: 9, unsubscribed: 2, bounced: 4, skipped: 0, machine_opened: 30, revenue_attributed: 270,
  open_rate: rate(35.05, 30.94, 39.4), click_rate: rate(10.72, 8.27, 13.79), conversion_rate: rate(1.86, 0.98, 3.49),
};

const PERSONAL = {
  ...NUMBERS, sent: 4389, delivered: 4357, opened: 1792, clicked: 708, converted: 132, unsubscribed: 9, bounced: 32, skipped: 0, machine_opened: 282, revenue_attributed: 3960,
  open_rate: rate(41.13, 39.68, 42.6), click_rate: rate(16.25, 15.18, 17.38), conversion_rate: rate(3.03, 2.56, 3.58),
};

export const REPORT = {
  campaign_id: 'camp_001',
  as_of: '2026-02-09T09:00:00Z',
  timezone: 'America/New_York',
  totals: NUMBERS,
  per_channel: [{ channel: 'email', ...NUMBERS }],
  per_day: [{ date: '2026-01-31', sent: 4878, opened: 1655, clicked: 640, converted: 96, unsubscribed: 8, bounced: 36, complained: 0, revenue_attributed: 2880 }],
  per_variant: [{ variant: 'loud', weight: 1, ...LOUD }, { variant: 'personal', weight: 1, ...PERSONAL }],
  leaders: [
    { metric: 'opened', variant: 'personal', verdict: 'not_enough_data' },
    { metric: 'clicked', variant: 'personal', verdict: 'enough' },
    { metric: 'converted', variant: 'personal', verdict: 'not_enough_data' },
  ],
  ab_test: {
    metric: 'clicked', sample_sent_at: '2026-01-31T12:00:10Z', decides_at: '2026-01-31T16:00:10Z', winner: 'personal', decided_at: '2026-01-31T16:00:10Z', reason: 'best',
    standings: [{ variant: 'loud', delivered: 485, achieved: 44 }, { variant: 'personal', delivered: 491, achieved: 79 }],
  },
  lift: {
    window_days: 7,
    treated: { customers: 4878, converted: 341, ...rate(6.99, 6.31, 7.74) },
    control: { customers: 542, converted: 24, ...rate(4.43, 2.99, 6.51) },
    lift_percent: 57.9,
    interval: { low: 0.39, high: 4.12 },
    verdict: 'enough',
  },
};

export const LINKS = {
  data: [{ url: 'https://order.example.com/menu', clicks: 911, customers: 760, machine_clicks: 32 }],
  meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null },
};

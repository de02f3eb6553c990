import type { Hours } from '#kernel';

/** What a campaign may ask of its sending beyond the plain case; kept as it was when the campaign started. */
export interface MailingOptions {
  /** Percent of those who could be written to who are not, to be compared with those who are. */
  holdout_percent?: number;
  stop_rules?: StopRules;
  /** What links carry for web analytics. */
  utm?: Utm;
  /** `broadcast` unless said. */
  delivery_mode?: DeliveryMode;
  /** Hours of the recipient's day in which it may come. */
  send_window?: SendWindow;
  /** Whoever is in one of these segments is left out. */
  exclude_segment_ids?: string[];
  /** Whether a scheduled start means the recipient's clock, not the tenant's. */
  local_time?: boolean;
  /** Of what is tried out against each other, each recipient gets one. */
  variants?: Variant[];
  ab_test?: AbTest;
  /** Whether each recipient has a promo code of their own. */
  unique_promo_codes?: boolean;
  /** What a start by the recipients' clocks came to: when it is by each of them, and when the campaign started. */
  local_start?: LocalStart;
}

/** `broadcast`: to whoever is in the segment at the start; `continuous`: to whoever enters it from then on. */
export const DELIVERY_MODES = ['broadcast', 'continuous'] as const;
export type DeliveryMode = (typeof DELIVERY_MODES)[number];

/** Wall-clock times `HH:MM`; from 21:00 to 01:00 runs across midnight. */
export interface SendWindow {
  start: string;
  end: string;
}

/** Null for any hour. */
export const sendWindowOf = ({ send_window }: MailingOptions): Hours | null => (send_window === undefined ? null : { from: send_window.start, to: send_window.end });

export interface LocalStart {
  /** `YYYY-MM-DDTHH:MM`. */
  wall_clock: string;
  /** Whose clock showed that at the start that was asked for: the tenant's zone when the campaign was scheduled. */
  timezone: string;
  /** ISO 8601. */
  started_at: string;
}

/** When a campaign is paused by itself. Rates are percentages. */
export interface StopRules {
  bounce_rate?: number;
  complaint_rate?: number;
  promo_budget?: boolean;
}

/** One of several ways of saying it. */
export interface Variant {
  id: string;
  /** Its share, beside the weights of the others. */
  weight: number;
  /** What differs from the campaign's content: a merge patch, in which null removes. */
  content: object;
}

/** What a test of the variants goes by; each customer counts once, of those the message was delivered to. */
export const AB_METRICS = ['opened', 'clicked', 'converted'] as const;
export type AbMetric = (typeof AB_METRICS)[number];

/** The variants are tried on a sample; everybody else waits, and gets the one that did best. */
export interface AbTest {
  sample_percent: number;
  metric: AbMetric;
  /** After the last of the sample was sent. */
  wait_minutes: number;
}

/** Where a visit came from, as web analytics read it from the address of the page. */
export interface Utm {
  source?: string;
  medium?: string;
  campaign?: string;
  term?: string;
  content?: string;
}

/** The tenant's settings, as other domains read them. `GET /settings` shows the same names. */
export interface Settings {
  /** IANA name; days of reports and funnels begin at its midnight. */
  timezone: string;
  /** ISO 4217. */
  currency: string;
  sender: Sender;
  attribution: Attribution;
  frequency_cap: FrequencyCap | null;
  quiet_hours: Record<Channel, QuietHours | null>;
  /** The most customers a segment may have to be mailed over the channel. */
  max_segment_size: Record<Channel, number>;
  /** What one segment of a text message costs, in the currency; null if unknown. */
  sms_price_per_segment: number | null;
  funnels: FunnelSettings;
}

export const CHANNELS = ['email', 'sms', 'push'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Sender {
  from_email: string | null;
  from_name: string | null;
  reply_to: string | null;
  /** Required by law in commercial email (CAN-SPAM §7704(a)(5)). */
  postal_address: string | null;
  sms_from: string | null;
}

export const ATTRIBUTION_MODELS = ['promo_code', 'click', 'open'] as const;

export interface Attribution {
  window_days: number;
  /** Tried in this order: redeemed promo code, last human click, last human open. */
  models: (typeof ATTRIBUTION_MODELS)[number][];
}

export interface FrequencyCap {
  max: number;
  per_days: number;
}

/** Local wall-clock times `HH:MM`; 21:00 to 08:00 runs across midnight. */
export interface QuietHours {
  from: string;
  to: string;
}

export interface FunnelSettings {
  /** Puts `evaluation` between intent and purchase in the purchase funnel. */
  purchase_with_evaluation: boolean;
  /** The order that makes a customer a regular: 3 = the third. */
  retention_from_order: number;
}

export const DEFAULT_SETTINGS: Settings = {
  timezone: 'UTC',
  currency: 'USD',
  sender: { from_email: null, from_name: null, reply_to: null, postal_address: null, sms_from: null },
  attribution: { window_days: 5, models: ['promo_code', 'click'] },
  frequency_cap: null,
  quiet_hours: { email: null, push: null, sms: { from: '21:00', to: '08:00' } },
  max_segment_size: { email: 1_000_000, sms: 50_000, push: 500_000 },
  sms_price_per_segment: null,
  funnels: { purchase_with_evaluation: false, retention_from_order: 3 },
};

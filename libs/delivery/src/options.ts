/** What a campaign may ask of its sending beyond the plain case; kept as it was when the campaign started. */
export interface MailingOptions {
  /** Percent of those who could be written to who are not, to be compared with those who are. */
  holdout_percent?: number;
  stop_rules?: StopRules;
  /** What links carry for web analytics. */
  utm?: Utm;
}

/** When a campaign is paused by itself. Rates are percentages. */
export interface StopRules {
  bounce_rate?: number;
  complaint_rate?: number;
  promo_budget?: boolean;
}

/** Where a visit came from, as web analytics read it from the address of the page. */
export interface Utm {
  source?: string;
  medium?: string;
  campaign?: string;
  term?: string;
  content?: string;
}

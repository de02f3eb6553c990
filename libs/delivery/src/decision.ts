import type { ConsentStatus, SuppressionReason } from '#customers';
import type { Channel } from '#tenants';

/** Why somebody is not written to. */
export const SKIP_REASONS = ['canceled', 'window_missed', 'no_address', 'no_consent', 'suppressed', 'duplicate_address'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What is known of one recipient at the moment of sending. */
export interface Recipient {
  channel: Channel;
  address: string | null;
  consent: ConsentStatus;
  suppressed: SuppressionReason | null;
  /** Tries so far; whoever was tried in time is not dropped for the end that came since. */
  attempts: number;
}

export interface SendingRules {
  type: string;
  endsAt: Date | null;
  now: Date;
}

/**
 * Whether to write to the recipient now: null, or why not. Marketing email goes to whoever has not opted out, SMS and push
 * to whoever opted in (ePrivacy 2002/58 art. 13, TCPA 47 CFR 64.1200). Transactional messages need no consent, and yet no
 * dead address is written to.
 */
export function decide(recipient: Recipient, { type, endsAt, now }: SendingRules): SkipReason | null {
  const transactional = type === 'transactional';
  if (endsAt !== null && endsAt <= now && recipient.attempts === 0) return 'window_missed';
  if (recipient.address === null) return 'no_address';
  if (!transactional && !consents(recipient)) return 'no_consent';
  if (recipient.suppressed !== null && (!transactional || recipient.suppressed === 'hard_bounce')) return 'suppressed';
  return null;
}

const consents = ({ channel, consent }: Recipient): boolean => (channel === 'email' ? consent !== 'unsubscribed' : consent === 'subscribed');

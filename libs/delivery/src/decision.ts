import type { ConsentStatus, SuppressionReason } from '#customers';
import { firstOutside, type Hours } from '#kernel';
import type { Channel } from '#tenants';

/** Why somebody is not written to. */
export const SKIP_REASONS = ['canceled', 'window_missed', 'no_address', 'no_consent', 'suppressed', 'duplicate_address', 'frequency_cap', 'holdout'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What is known of one recipient at the moment of sending. */
export interface Recipient {
  channel: Channel;
  address: string | null;
  consent: ConsentStatus;
  suppressed: SuppressionReason | null;
  /** Tries so far; whoever was tried in time is not dropped for the end that came since. */
  attempts: number;
  /** Drawn for the campaign's control group: not written to, so that it can be told what writing to the others did. */
  heldOut: boolean;
  /** IANA name; null where nobody knows. */
  timezone: string | null;
  /** Marketing messages of the cap's days that they got, or may have; those that are on their way or that more urgent campaigns have for them still, and when the last of these is due. */
  contacts: { had: number; ahead: number; aheadUntil: Date | null };
}

export interface SendingRules {
  type: string;
  endsAt: Date | null;
  now: Date;
  /** Hours in which nothing is sent over the channel, by the recipient's clock. */
  quietHours: Hours | null;
  /** Where recipients are of whom nobody knows. */
  timezone: string;
  /** Most marketing messages that one customer gets in the cap's days; null: any number. */
  cap: number | null;
}

/** To write now, never, or not yet; `reason` is what the ledger says. */
export type Decision = { to: 'send' } | { to: 'skip'; reason: SkipReason } | { to: 'defer'; reason: DeferReason; until: Date };

/** Why somebody is written to later. */
export type DeferReason = 'quiet_hours' | 'others_first';

/** Suppressions that say that nothing arrives there, rather than that nothing is wanted. */
const DEAD: ReadonlySet<SuppressionReason> = new Set(['hard_bounce', 'soft_bounces']);

/** How long a message waits at least for one of another campaign before it is looked at again. */
const GIVE_WAY_MS = 30_000;

/**
 * Whether to write to the recipient now. Marketing email goes to whoever has not opted out, SMS and push to whoever opted
 * in (ePrivacy 2002/58 art. 13, TCPA 47 CFR 64.1200). Transactional messages need no consent, know no cap and come at any
 * hour, and yet no dead address is written to. Who is held out is told so only where they would have been written to: the control group is
 * like the others in all else.
 */
export function decide(recipient: Recipient, rules: SendingRules): Decision {
  const reason = reasonToSkip(recipient, rules);
  if (reason !== null) return { to: 'skip', reason };
  const send: Decision = recipient.heldOut ? { to: 'skip', reason: 'holdout' } : { to: 'send' };
  if (rules.type === 'transactional') return send;
  const { endsAt, now, cap } = rules;
  const until = endOfQuiet(recipient, rules);
  if (until > now) return { to: 'defer', reason: 'quiet_hours', until: atEndOf(endsAt, until, recipient) };
  const { had, ahead, aheadUntil } = recipient.contacts;
  if (cap === null || had + ahead < cap) return send;
  return { to: 'defer', reason: 'others_first', until: atEndOf(endsAt, new Date(Math.max(now.getTime() + GIVE_WAY_MS, aheadUntil?.getTime() ?? 0)), recipient) };
}

function reasonToSkip(recipient: Recipient, { type, endsAt, now, cap }: SendingRules): SkipReason | null {
  const transactional = type === 'transactional';
  if (endsAt !== null && endsAt <= now && recipient.attempts === 0) return 'window_missed';
  if (recipient.address === null) return 'no_address';
  if (!transactional && !consents(recipient)) return 'no_consent';
  if (recipient.suppressed !== null && (!transactional || DEAD.has(recipient.suppressed))) return 'suppressed';
  return !transactional && cap !== null && recipient.contacts.had >= cap ? 'frequency_cap' : null;
}

/** Now, when it is not quiet; or when all hours are. */
function endOfQuiet({ timezone }: Recipient, { now, quietHours, timezone: tenants }: SendingRules): Date {
  if (quietHours === null) return now;
  try {
    return firstOutside(now, timezone ?? tenants, quietHours) ?? now;
  } catch {
    return firstOutside(now, tenants, quietHours) ?? now; // a zone that this Node does not know
  }
}

/** At the end of the campaign at the latest, to be told that it was missed; but whoever was tried in time is not dropped for it. */
const atEndOf = (endsAt: Date | null, until: Date, { attempts }: Recipient): Date => (endsAt !== null && endsAt < until && attempts === 0 ? endsAt : until);

const consents = ({ channel, consent }: Recipient): boolean => (channel === 'email' ? consent !== 'unsubscribed' : consent === 'subscribed');

import type { ConsentStatus, SuppressionReason } from '#customers';
import { exceptFor, firstAt, firstOutside, type Hours } from '#kernel';
import type { Channel } from '#tenants';
import type { LocalStart } from './options.js';

/** Why somebody gets no message. */
export const SKIP_REASONS = ['canceled', 'window_missed', 'no_address', 'no_consent', 'suppressed', 'duplicate_address', 'frequency_cap', 'holdout'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What is known of one recipient at the moment of sending. */
export interface Recipient {
  channel: Channel;
  address: string | null;
  consent: ConsentStatus;
  suppressed: SuppressionReason | null;
  /** Tries so far. Whoever was tried before the campaign's end is not dropped because the end has come. */
  attempts: number;
  /** Whether they were drawn for the campaign's control group. */
  heldOut: boolean;
  /** IANA name; null if it is not known. */
  timezone: string | null;
  /** Marketing messages within the cap's days. `had`: those that they got, or may have. `ahead`: those being sent or still to come from more urgent campaigns; `aheadUntil`: when the last of these is due. */
  contacts: { had: number; ahead: number; aheadUntil: Date | null };
}

export interface SendingRules {
  type: string;
  endsAt: Date | null;
  now: Date;
  /** Hours in which nothing is sent over the channel, by the recipient's clock. */
  quietHours: Hours | null;
  /** The only hours in which the campaign's messages are sent, by the recipient's clock. */
  sendWindow?: Hours | null;
  /** When sending begins by the recipient's clock; null for at once. */
  localStart?: LocalStart | null;
  /** The time zone of recipients whose own is not known. */
  timezone: string;
  /** Most marketing messages that one customer gets within the cap's days; null for no limit. */
  cap: number | null;
}

/** To send now, never, or later; `reason` goes into the ledger. */
export type Decision = { to: 'send' } | { to: 'skip'; reason: SkipReason } | { to: 'defer'; reason: DeferReason; until: Date };

/** Why a message is sent later. `provider_busy`: its provider has no room or takes no calls, while another provider of the channel does. */
export const DEFER_REASONS = ['quiet_hours', 'send_window', 'local_time', 'others_first', 'merging', 'provider_busy'] as const;
export type DeferReason = (typeof DEFER_REASONS)[number];

/** Whether a suppression applies to the message. Somebody who unsubscribed still gets transactional messages; but STOP is said to a number, whatever it sends (CTIA Messaging Principles §5.1.4). */
export const holds = (reason: SuppressionReason, channel: Channel, transactional: boolean): boolean => !transactional || channel === 'sms' || reason !== 'unsubscribed';

/** How long a message waits, at least, for another campaign's message before it is looked at again. */
const GIVE_WAY_MS = 30_000;

/** And at most, in case the news that the other campaign has stopped is lost. */
const GIVE_WAY_AT_MOST_MS = 3_600_000;

/** A local time that had passed by this much when the campaign started was missed: nothing overdue is sent. */
const MISSED_MS = 15 * 60_000;

/**
 * Whether to send to the recipient now. Marketing email goes to whoever has not opted out, SMS and push to whoever opted
 * in (ePrivacy 2002/58 art. 13, TCPA 47 CFR 64.1200). Transactional messages need no consent, ignore the cap and quiet hours, and respect every
 * suppression except an opt-out from marketing. Holdout comes last: the control group consists of those who would otherwise have got the message, so
 * that it is like the others in everything else.
 */
export function decide(recipient: Recipient, rules: SendingRules): Decision {
  const reason = reasonToSkip(recipient, rules);
  if (reason !== null) return { to: 'skip', reason };
  const send: Decision = recipient.heldOut ? { to: 'skip', reason: 'holdout' } : { to: 'send' };
  const { endsAt, now, cap } = rules;
  const turn = turnOf(recipient, rules);
  if (turn === null) return { to: 'skip', reason: 'window_missed' };
  if (turn.at > now) return { to: 'defer', reason: turn.reason, until: atEndOf(endsAt, turn.at, recipient) };
  if (rules.type === 'transactional') return send;
  const { had, ahead, aheadUntil } = recipient.contacts;
  if (cap === null || had + ahead < cap) return send;
  return { to: 'defer', reason: 'others_first', until: atEndOf(endsAt, giveWay(now, aheadUntil), recipient) };
}

const giveWay = (now: Date, until: Date | null): Date => new Date(now.getTime() + Math.min(GIVE_WAY_AT_MOST_MS, Math.max(GIVE_WAY_MS, (until ?? now).getTime() - now.getTime())));

function reasonToSkip(recipient: Recipient, { type, endsAt, now, cap }: SendingRules): SkipReason | null {
  const transactional = type === 'transactional';
  if (endsAt !== null && endsAt <= now && recipient.attempts === 0) return 'window_missed';
  if (recipient.address === null) return 'no_address';
  if (!transactional && !consents(recipient)) return 'no_consent';
  if (recipient.suppressed !== null && holds(recipient.suppressed, recipient.channel, transactional)) return 'suppressed';
  return !transactional && cap !== null && recipient.contacts.had >= cap ? 'frequency_cap' : null;
}

interface Turn {
  at: Date;
  reason: DeferReason;
}

/** When the message may be sent by the recipient's clock; null for never. */
function turnOf(recipient: Recipient, rules: SendingRules): Turn | null {
  try {
    return turnIn(recipient.timezone, recipient, rules);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return turnIn(null, recipient, rules); // a zone that this Node does not know
  }
}

/** Whether the campaign's send window lies entirely in quiet hours. The answer is the same in every time zone. */
export const comesNever = (rules: Pick<SendingRules, 'type' | 'now' | 'quietHours' | 'sendWindow' | 'timezone'>): boolean => turnIn(null, { attempts: 0 }, rules) === null;

/** @param own the recipient's zone; null for the tenant's, and for a local start the tenant's zone when it was scheduled */
function turnIn(own: string | null, { attempts }: Pick<Recipient, 'attempts'>, { type, now, quietHours, sendWindow, localStart, timezone }: Omit<SendingRules, 'endsAt' | 'cap'>): Turn | null {
  const zone = own ?? timezone;
  const begin = localStart ? firstAt(localStart.wall_clock, own ?? localStart.timezone) : now;
  if (localStart && attempts === 0 && begin.getTime() + MISSED_MS < Date.parse(localStart.started_at)) return null;
  const from = begin > now ? begin : now;
  const quiet = type === 'transactional' || quietHours === null ? [] : [quietHours];
  const closed = sendWindow ? [exceptFor(sendWindow)] : [];
  const at = firstOutside(from, zone, ...quiet, ...closed);
  if (at === null) return null; // its window lies in quiet hours
  if (begin > now) return { at, reason: 'local_time' };
  return { at, reason: firstOutside(now, zone, ...quiet)! > now ? 'quiet_hours' : 'send_window' };
}

/** At the campaign's end at the latest, when the row is settled as missed; whoever was tried before is not dropped. */
const atEndOf = (endsAt: Date | null, until: Date, { attempts }: Recipient): Date => (endsAt !== null && endsAt < until && attempts === 0 ? endsAt : until);

const consents = ({ channel, consent }: Recipient): boolean => (channel === 'email' ? consent !== 'unsubscribed' : consent === 'subscribed');

import type { ConsentStatus, SuppressionReason } from '#customers';
import { exceptFor, firstAt, firstOutside, type Hours } from '#kernel';
import type { Channel } from '#tenants';
import type { LocalStart } from './options.js';

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
  /** Hours in which alone the campaign's messages come, by the recipient's clock. */
  sendWindow?: Hours | null;
  /** When sending begins by the recipient's clock; null: at once. */
  localStart?: LocalStart | null;
  /** Where recipients are of whom nobody knows. */
  timezone: string;
  /** Most marketing messages that one customer gets in the cap's days; null: any number. */
  cap: number | null;
}

/** To write now, never, or not yet; `reason` is what the ledger says. */
export type Decision = { to: 'send' } | { to: 'skip'; reason: SkipReason } | { to: 'defer'; reason: DeferReason; until: Date };

/** Why somebody is written to later; `provider_busy`: their provider has no room, or does not take calls, while another of the channel goes on. */
export const DEFER_REASONS = ['quiet_hours', 'send_window', 'local_time', 'others_first', 'merging', 'provider_busy'] as const;
export type DeferReason = (typeof DEFER_REASONS)[number];

/** Whether a suppression holds for the message. Who unsubscribes is told of orders still, but STOP is said to a number, whatever it sends (CTIA Messaging Principles §5.1.4). */
export const holds = (reason: SuppressionReason, channel: Channel, transactional: boolean): boolean => !transactional || channel === 'sms' || reason !== 'unsubscribed';

/** How long a message waits at least for one of another campaign before it is looked at again. */
const GIVE_WAY_MS = 30_000;

/** And at most, should nobody tell that the other campaign has stopped. */
const GIVE_WAY_AT_MOST_MS = 3_600_000;

/** A local time that was this long over when the campaign started was missed: nothing overdue is fired silently. */
const MISSED_MS = 15 * 60_000;

/**
 * Whether to write to the recipient now. Marketing email goes to whoever has not opted out, SMS and push to whoever opted
 * in (ePrivacy 2002/58 art. 13, TCPA 47 CFR 64.1200). Transactional messages need no consent, know no cap and come at any
 * hour but those that the campaign itself leaves out; no suppression yields to them but an opt-out from marketing. Who is held out is told
 * so only where they would have been written to: the control group is like the others in all else.
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

/** When the recipient's own clock lets the message come; null when it never does. */
function turnOf(recipient: Recipient, rules: SendingRules): Turn | null {
  try {
    return turnIn(recipient.timezone, recipient, rules);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return turnIn(null, recipient, rules); // a zone that this Node does not know
  }
}

/** Whether the hours that the campaign asks for all lie in those in which nothing is sent: what the clocks show is the same in every zone. */
export const comesNever = (rules: Pick<SendingRules, 'type' | 'now' | 'quietHours' | 'sendWindow' | 'timezone'>): boolean => turnIn(null, { attempts: 0 }, rules) === null;

/** @param own the recipient's zone; null: they are in the tenant's, and the start is theirs as it was scheduled, wherever the tenant is by now */
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

/** At the end of the campaign at the latest, to be told that it was missed; but whoever was tried in time is not dropped for it. */
const atEndOf = (endsAt: Date | null, until: Date, { attempts }: Recipient): Date => (endsAt !== null && endsAt < until && attempts === 0 ? endsAt : until);

const consents = ({ channel, consent }: Recipient): boolean => (channel === 'email' ? consent !== 'unsubscribed' : consent === 'subscribed');

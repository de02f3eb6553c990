import type { Consent, ConsentPatch } from './profile.js';

/**
 * Who reports the consent: `import` and `sync` (an upsert from another system) report a state, which may be older than what we know;
 * `act` is something the customer just did (a link, a STOP, a provider's webhook).
 */
export type ConsentVoice = 'import' | 'sync' | 'act';

/** What is known before the report. */
export interface KnownConsent {
  consent: Consent;
  /** When the address was opted out (its suppression), null when it was not. */
  optedOutAt: Date | null;
  /** The customer had this address when the consent was given: it says nothing of another's opt-out. */
  sameAddress: boolean;
  /** Nothing stands against the address any more: whoever shares it came back, and this customer's opt-out of then is no longer in force. */
  lifted: boolean;
}

/**
 * What a customer's consent becomes. The customer's last word counts, by its date and not by its arrival, and of two at one instant the
 * opt-out. A `subscribed` that nobody dated only repeats what a system believed: it takes no opt-out back, and stands against none; nor
 * does an import take one back. An `unknown` that is the customer's own act takes an opt-out back and consents to nothing. An opt-out without
 * a date is one of now, unless it repeats one that is in force.
 *
 * @returns the new consent and whether it lifts the address's opt-out; null when nothing changes
 */
export function decideConsent({ consent: known, optedOutAt, sameAddress, lifted }: KnownConsent, wanted: ConsentPatch | null | undefined, voice: ConsentVoice, now: Date): { consent: Consent; lifts: boolean } | null {
  const status = wanted === null ? 'unknown' : wanted?.status;
  const source = wanted?.source ?? null;
  const at = wanted?.at ? new Date(wanted.at.toUpperCase()).toISOString() : null; // kept in UTC, whatever zone it was told in
  const optOuts: Consent[] = [];
  if (optedOutAt !== null) optOuts.push({ status: 'unsubscribed', source: 'suppression', at: optedOutAt.toISOString() });
  if (known.status === 'unsubscribed') optOuts.push({ ...known, at: known.at ?? new Date(0).toISOString() });
  if (status === 'unsubscribed') optOuts.push({ status, source, at: at ?? (known.status === status && !lifted ? known.at : null) ?? now.toISOString() });
  const consents: Consent[] = [];
  if (known.status === 'subscribed' && known.at !== null && (sameAddress || optedOutAt === null)) consents.push(known);
  if (status === 'subscribed' && at !== null && voice !== 'import') consents.push({ status, source, at });
  if (status === 'unknown' && at !== null && voice === 'act') consents.push({ status, source, at });

  const [optOut, consent] = [latest(optOuts), latest(consents)];
  if (optOut === undefined) return changed(known, unopposed(known, status === 'unknown' && voice === 'act' ? undefined : status, { source, at }), false);
  if (consent === undefined || consent.at! <= optOut.at!) return changed(known, optOut, false);
  return status === undefined ? null : changed(known, consent, optedOutAt !== null && voice !== 'import');
}

/** Where nobody opted out: what is told, unless what is known is of later. */
function unopposed(known: Consent, status: Consent['status'] | undefined, { source, at }: Pick<Consent, 'source' | 'at'>): Consent {
  if (status === undefined) return known;
  if (status === 'unknown' || known.status !== 'subscribed') return { status, source, at };
  return at !== null && known.at !== null && at < known.at ? known : { status, source, at: at ?? known.at };
}

/** The last one told of the last instant. In UTC and to the millisecond, instants sort as texts. */
const latest = (consents: readonly Consent[]): Consent | undefined => consents.reduce<Consent | undefined>((a, b) => (a === undefined || b.at! >= a.at! ? b : a), undefined);

const changed = (known: Consent, next: Consent, lifts: boolean) =>
  !lifts && known.status === next.status && known.source === next.source && known.at === next.at ? null : { consent: next, lifts };

import type { Consent, ConsentPatch } from './profile.js';

/**
 * Who speaks: `import` and `sync` (an upsert from another system) tell a state, which may be older than what we know;
 * `act` is the customer's own doing just reported (a link, a STOP, a provider's webhook).
 */
export type ConsentVoice = 'import' | 'sync' | 'act';

/**
 * What a customer's consent becomes. An opt-out always counts. To take one back needs a dated consent that the customer
 * gave at or after the opt-out, and never happens by import; an undated `subscribed` only repeats what a system believed.
 *
 * @param optedOutAt when the address was opted out (its suppression), null when it was not
 * @returns the new consent and whether it lifts the address's opt-out; null when nothing changes
 */
export function decideConsent(
  known: Consent,
  wanted: ConsentPatch | null | undefined,
  optedOutAt: Date | null,
  voice: ConsentVoice,
  now: Date,
): { consent: Consent; lifts: boolean } | null {
  const status = wanted === null ? 'unknown' : wanted?.status;
  const at = wanted?.at ? new Date(wanted.at.toUpperCase()).toISOString() : null; // kept in UTC, whatever zone it was told in
  if (status === 'unsubscribed') return changed(known, { status, source: wanted?.source ?? null, at: at ?? (known.status === status ? known.at : now.toISOString()) }, false);
  const outAt = latest(known.status === 'unsubscribed' ? new Date(known.at ?? 0) : null, optedOutAt);
  if (outAt !== null) {
    const undone = status === 'subscribed' && voice !== 'import' && at !== null && new Date(at) >= outAt;
    if (!undone) return known.status === 'unsubscribed' ? null : { consent: { status: 'unsubscribed', source: 'suppression', at: outAt.toISOString() }, lifts: false };
  }
  if (status === undefined) return null;
  if (status === 'unknown') return changed(known, { status, source: wanted?.source ?? null, at }, false);
  return changed(known, { status, source: wanted?.source ?? null, at: at ?? (known.status === status ? known.at : now.toISOString()) }, optedOutAt !== null);
}

const latest = (a: Date | null, b: Date | null): Date | null => (a === null || b === null ? (a ?? b) : a > b ? a : b);

const changed = (known: Consent, next: Consent, lifts: boolean) =>
  !lifts && known.status === next.status && known.source === next.source && known.at === next.at ? null : { consent: next, lifts };

import type { DisabledCode } from './dto/event-subscription.dto.js';
import { isArrival, type Posted } from './poster.js';

/** After failing for this long, a receiver is not expected to recover. */
const HOPELESS_MS = 5 * 24 * 3_600_000;

/** A subscription's health after some attempts. */
export interface Health {
  failingSince: Date | null;
  /** Why sending stops; null if it does not. */
  disabled: DisabledCode | null;
}

/** @param failingSince the value before these attempts */
export function healthAfter(attempts: readonly Posted[], failingSince: Date | null, now: Date): Health {
  if (attempts.some(({ statusCode }) => statusCode === 410)) return { failingSince: failingSince ?? now, disabled: 'gone' };
  if (attempts.some(({ statusCode }) => isArrival(statusCode))) return { failingSince: null, disabled: null };
  const since = failingSince ?? now;
  return { failingSince: since, disabled: now.getTime() - since.getTime() >= HOPELESS_MS ? 'failing' : null };
}

import type { DisabledCode } from './dto/event-subscription.dto.js';
import { isArrival, type Posted } from './poster.js';

/** After so long with nothing but failures nobody is expected to come back. */
const HOPELESS_MS = 5 * 24 * 3_600_000;

/** How a subscription stands after some attempts. */
export interface Health {
  failingSince: Date | null;
  /** Why nothing more is to be sent; null while there is hope. */
  disabled: DisabledCode | null;
}

/** @param failingSince how it stood before */
export function healthAfter(attempts: readonly Posted[], failingSince: Date | null, now: Date): Health {
  if (attempts.some(({ statusCode }) => statusCode === 410)) return { failingSince: failingSince ?? now, disabled: 'gone' };
  if (attempts.some(({ statusCode }) => isArrival(statusCode))) return { failingSince: null, disabled: null };
  const since = failingSince ?? now;
  return { failingSince: since, disabled: now.getTime() - since.getTime() >= HOPELESS_MS ? 'failing' : null };
}

import { sqlState } from '#database';
import { DomainError } from '#kernel';
import type { InboundEvent } from './normalisers/inbound-event.js';
import type { ProviderId } from './providers.js';

/** An event on its way through the worker. */
export interface ClaimedEvent {
  id: string;
  provider: ProviderId;
  event: InboundEvent;
  /** When it happened; never after we heard of it. */
  at: Date;
}

/** What became of an event; `pending`: it is tried again later. */
export interface Outcome {
  status: 'processed' | 'unmatched' | 'failed' | 'pending';
  /** A code. */
  reason: string | null;
}

export const PROCESSED: Outcome = { status: 'processed', reason: null };
export const unmatched = (reason: string): Outcome => ({ status: 'unmatched', reason });
export const failed = (reason: string): Outcome => ({ status: 'failed', reason });

const SECOND = 1000;

/** Milliseconds until the next try, by how many have failed: seconds at first, an hour at last. Three hours in all. */
const DELAYS = [10 * SECOND, 40 * SECOND, 160 * SECOND, 640 * SECOND, 2560 * SECOND, 3600 * SECOND, 3600 * SECOND];

/** When to try again what has failed so often, last at `now`; null when it is given up. */
export function nextTry(failures: number, now: Date): Date | null {
  const delay = DELAYS[failures - 1];
  return delay === undefined ? null : new Date(now.getTime() + delay);
}

/** What the database reports about the data, not about itself: the same again will fail again. */
const DATA_FAULT = /^(22|23|P0)/;

/** What an error comes to that an event met alone: tried again later, unless trying again is of no use, for a fault of the data or of our code. */
export function outcomeOf(error: unknown): Outcome {
  const state = sqlState(error);
  const lasts = state === undefined ? error instanceof TypeError || error instanceof RangeError || error instanceof DomainError : DATA_FAULT.test(state);
  return { status: lasts ? 'failed' : 'pending', reason: error instanceof DomainError ? error.code : 'processing_failed' };
}

import { sqlState } from '#database';
import { DomainError } from '#kernel';
import type { InboundEvent } from './normalisers/inbound-event.js';
import type { ProviderId } from './providers.js';

/** An event on its way through the worker. */
export interface ClaimedEvent {
  id: string;
  provider: ProviderId;
  event: InboundEvent;
  /** When it happened; never later than when it was received. */
  at: Date;
}

/** The result of processing an event; `pending`: it is tried again later. */
export interface Outcome {
  status: 'processed' | 'unmatched' | 'failed' | 'pending';
  /** A code. */
  reason: string | null;
}

export const PROCESSED: Outcome = { status: 'processed', reason: null };
export const unmatched = (reason: string): Outcome => ({ status: 'unmatched', reason });
export const failed = (reason: string): Outcome => ({ status: 'failed', reason });

const SECOND = 1000;

/** Milliseconds until the next attempt, by the number of failed ones: from seconds to an hour, about three hours in all. */
const DELAYS = [10 * SECOND, 40 * SECOND, 160 * SECOND, 640 * SECOND, 2560 * SECOND, 3600 * SECOND, 3600 * SECOND];

/** When to try again after so many failures, the last one at `now`; null to give up. */
export function nextTry(failures: number, now: Date): Date | null {
  const delay = DELAYS[failures - 1];
  return delay === undefined ? null : new Date(now.getTime() + delay);
}

/** SQLSTATE classes of errors in the data rather than the database: a retry fails again. */
const DATA_FAULT = /^(22|23|P0)/;

/** The outcome of an event whose processing failed by itself: a retry later, unless that is useless because the data or our code is at fault. */
export function outcomeOf(error: unknown): Outcome {
  const state = sqlState(error);
  const lasts = state === undefined ? error instanceof TypeError || error instanceof RangeError || error instanceof DomainError : DATA_FAULT.test(state);
  return { status: lasts ? 'failed' : 'pending', reason: error instanceof DomainError ? error.code : 'processing_failed' };
}

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

/** What became of an event. */
export interface Outcome {
  status: 'processed' | 'unmatched' | 'failed';
  reason: string | null;
}

export const PROCESSED: Outcome = { status: 'processed', reason: null };
export const unmatched = (reason: string): Outcome => ({ status: 'unmatched', reason });
export const failed = (reason: string): Outcome => ({ status: 'failed', reason });

import { Logger } from '@nestjs/common';
import type { ProviderId } from './providers.js';
import { isFault } from './normalisers/inbound-event.js';
import { type ClaimedEvent, failed, type Outcome, outcomeOf } from './outcome.js';
import type { StoredItems } from './stored-bodies.js';

/** The columns of an event that processing needs. */
export interface EventRow {
  provider: ProviderId;
  id: string;
  body_id: string;
  item_no: number;
  attempts: number;
  received_at: Date;
}

/** A row and the event, or the failure, that it was read as. */
export interface Reading {
  row: EventRow;
  type: string | null;
  outcome: Outcome | ClaimedEvent;
}

const logger = new Logger('WebhookReading');

/** @param stored null if the body cannot be read, undefined if it no longer exists */
export function readingOf(row: EventRow, stored: StoredItems | null | undefined): Reading {
  if (!stored) return { row, type: null, outcome: failed(stored === null ? 'unreadable' : 'body_gone') };
  const { normaliser, items, signedAt } = stored;
  try {
    const item = items[row.item_no];
    const type = normaliser.type(item)?.slice(0, 64) ?? null;
    const event = normaliser.read(row.provider, item);
    if (isFault(event)) return { row, type, outcome: failed(event.fault) };
    const at = event.at ?? signedAt;
    return { row, type, outcome: { id: row.id, provider: row.provider, event, at: at === null || at > row.received_at ? row.received_at : at } };
  } catch (error) {
    logger.error({ msg: 'a webhook event could not be read', event: row.id, normaliser: normaliser.name, err: error });
    return { row, type: null, outcome: outcomeOf(error) };
  }
}

export const isEvent = (outcome: Outcome | ClaimedEvent): outcome is ClaimedEvent => 'event' in outcome;

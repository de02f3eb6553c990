import { hash } from 'node:crypto';
import type { Json } from '#kernel';
import type { InboundEvent } from './normalisers/inbound-event.js';

const sha256 = (...parts: Json[]): Buffer => hash('sha256', JSON.stringify(parts), 'buffer');

/**
 * Identifies an event that is received again: by the provider's event id; else by the id of the signed message and the
 * position in it; else by its content (type, person, delivery, campaign, time, link).
 *
 * @returns 32 bytes, unique per tenant and provider
 */
export function dedupKey(event: InboundEvent, messageId: string | null, place: number): Buffer {
  if (event.eventId !== null) return sha256('event', event.eventId);
  if (messageId !== null) return sha256('message', messageId, place);
  const { name, channel, customerId, email, phone, deliveryId, campaignId, at, url } = event;
  return sha256('content', name, channel, customerId, email, phone, deliveryId, campaignId, at?.toISOString() ?? null, url);
}

/** The same for an item that cannot be read as an event: the message id and position, else its whole content, else the body and position if it cannot be read at all. */
export function faultyKey(item: unknown, body: Buffer, messageId: string | null, place: number): Buffer {
  if (messageId !== null) return sha256('message', messageId, place);
  return item === undefined ? sha256('unreadable', hash('sha256', body, 'base64'), place) : sha256('item', JSON.stringify(item));
}

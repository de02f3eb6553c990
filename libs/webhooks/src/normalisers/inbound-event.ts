import type { Channel } from '#tenants';
import type { EventName, ProviderId } from '../providers.js';

/** A provider's event in our words. What the provider did not say is null. */
export interface InboundEvent {
  name: EventName;
  channel: Channel | null;
  /** The provider's own id of the event. */
  eventId: string | null;
  at: Date | null;
  customerId: string | null;
  email: string | null;
  phone: string | null;
  deliveryId: string | null;
  campaignId: string | null;
  url: string | null;
  /** The provider holds it for the work of a scanner or a mail proxy. */
  machine: boolean;
  /** Why it bounced or failed, in the provider's words. */
  reason: string | null;
  firstName: string | null;
  lastName: string | null;
}

/** Why an item is not an event: a stable code, kept as the reason of a failed event. */
export interface ItemFault {
  fault: string;
  /** Where in the item, as an RFC 6901 pointer. */
  pointer: string;
  detail: string;
}

/** What a body holds. An item that cannot be stored (U+0000, nested too deep) is undefined; it does not spoil the others. */
export interface Items {
  items: unknown[];
  /** Whether it was a list: then a bad item is kept as failed, while a single bad one is refused. */
  batch: boolean;
}

/** Reads what one provider or format sends. Pure: a stored item is read again when it is processed or replayed. */
export interface Normaliser {
  readonly name: string;
  /** Media types of its bodies. */
  readonly consumes: readonly string[];
  /** @throws RequestError validation_failed for a body that is not of this format at all */
  split(body: Buffer): Items;
  read(provider: ProviderId, item: unknown): InboundEvent | ItemFault;
}

export const isFault = (read: InboundEvent | ItemFault): read is ItemFault => 'fault' in read;

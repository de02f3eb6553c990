import type { SuppressionReason } from '#customers';
import type { Channel } from '#tenants';
import type { EventName } from '../providers.js';

/** A provider's event in our words. What the provider did not say is null. */
export interface InboundEvent {
  /** `returned`: takes an opt-out back, and is no consent beyond that. `contact_changed`: who it names is called, or has an address, otherwise. `noted`: known, kept, and of no effect. `unknown`: of a type that nobody has told us of; kept as failed. */
  name: EventName | 'returned' | 'contact_changed' | 'noted' | 'unknown';
  channel: Channel | null;
  /** What the provider's documentation says an event is known by when it comes again; without it, what it says. */
  eventId: string | null;
  at: Date | null;
  customerId: string | null;
  email: string | null;
  /** The address that `email` takes the place of. */
  formerEmail: string | null;
  phone: string | null;
  /** Whether who it names is to be a customer, if nobody of ours is. */
  introduces: boolean;
  /** The provider's own id of a contact. Where nothing else is said of them, the provider is asked. */
  contactId: string | null;
  deliveryId: string | null;
  /** The provider's own id of the message. */
  providerMessageId: string | null;
  campaignId: string | null;
  url: string | null;
  /** The provider holds it for the work of a scanner or a mail proxy. */
  machine: boolean;
  /** Why it bounced or failed, in the provider's words; `soft` for a bounce that may pass. */
  reason: string | null;
  /** Why nothing more is to be sent to the address, where a failure says so. */
  closes: SuppressionReason | null;
  firstName: string | null;
  lastName: string | null;
}

/** An event of which nothing is known but these. */
export const eventOf = (known: Partial<InboundEvent> & Pick<InboundEvent, 'name'>): InboundEvent => ({
  channel: null,
  eventId: null,
  at: null,
  customerId: null,
  email: null,
  formerEmail: null,
  phone: null,
  introduces: false,
  contactId: null,
  deliveryId: null,
  providerMessageId: null,
  campaignId: null,
  url: null,
  machine: false,
  reason: null,
  closes: null,
  firstName: null,
  lastName: null,
  ...known,
});

/** Why an item is not an event: a stable code, kept as the reason of a failed event. */
export interface ItemFault {
  fault: string;
  /** Where in the item, as an RFC 6901 pointer. */
  pointer: string;
  detail: string;
}

/** What is well-formed and of a type we do not know: kept as failed even when it comes alone, since sending it again would not help. */
export const UNSUPPORTED = 'unsupported_event_type';

export const isFault = (read: InboundEvent | ItemFault): read is ItemFault => 'fault' in read;

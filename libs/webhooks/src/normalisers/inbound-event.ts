import type { SuppressionReason } from '#customers';
import type { Channel } from '#tenants';
import type { EventName } from '../providers.js';

/** A provider's event in our terms. What the provider did not say is null. */
export interface InboundEvent {
  /** `returned`: withdraws an opt-out, but is not consent. `contact_changed`: a person's name or address has changed. `noted`: known and kept, without effect. `unknown`: a type that we do not know; kept as failed. */
  name: EventName | 'returned' | 'contact_changed' | 'noted' | 'unknown';
  channel: Channel | null;
  /** Identifies the event when it is sent again, according to the provider's documentation. If null, the content identifies it. */
  eventId: string | null;
  at: Date | null;
  customerId: string | null;
  email: string | null;
  /** The address that `email` replaces. */
  formerEmail: string | null;
  phone: string | null;
  /** Whether the person becomes a customer if they are not one yet. */
  introduces: boolean;
  /** The provider's own id of a contact. If the event has no address, the provider is asked for the contact. */
  contactId: string | null;
  deliveryId: string | null;
  /** The provider's own id of the message. */
  providerMessageId: string | null;
  campaignId: string | null;
  url: string | null;
  /** Caused by a scanner or a mail proxy, according to the provider. */
  machine: boolean;
  /** Why it bounced or failed, in the provider's words; `soft` for a temporary bounce. */
  reason: string | null;
  /** Why nothing more may be sent to the address, if the event says so. */
  closes: SuppressionReason | null;
  firstName: string | null;
  lastName: string | null;
}

/** An event of which only these members are known. */
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

/** A well-formed event of a type that we do not know: kept as failed even if it comes alone, since sending it again would not help. */
export const UNSUPPORTED = 'unsupported_event_type';

export const isFault = (read: InboundEvent | ItemFault): read is ItemFault => 'fault' in read;

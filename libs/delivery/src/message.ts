import type { CustomerProfile } from '#customers';
import type { DeliveryKey } from './delivery-id.js';
import type { Filled } from './slotted.js';

/** Where a message goes, and the address's hash as suppressions are kept by it. */
export interface Addressee {
  address: string;
  hash: Buffer;
}

/** One composed email. What goes into a header is one line. */
export interface EmailMessage {
  deliveryId: string;
  from: EmailSender;
  to: string;
  subject: string;
  html: Filled;
  text: string;
  /** RFC 8058: with both of its headers, a mail client's own button unsubscribes by a POST to this. */
  unsubscribeUrl: string;
}

/** Who writes: the tenant's settings, or the deployment's defaults. */
export interface EmailSender {
  email: string;
  name: string | null;
  replyTo: string | null;
  postalAddress: string;
}

/** One composed text message. */
export interface SmsMessage {
  deliveryId: string;
  /** A number in E.164, an alphanumeric sender, or a provider's own name for several (Twilio: `MG…`). */
  from: string;
  /** E.164. */
  to: string;
  text: string;
}

/** A composed message, of whatever channel. */
export type Message = EmailMessage | SmsMessage;

/**
 * Writes one recipient's message.
 *
 * @throws LiquidError when a template fails for this recipient
 */
export type Writer = (key: DeliveryKey, to: Addressee, profile: CustomerProfile) => Message;

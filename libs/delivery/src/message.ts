import type { CustomerProfile } from '#customers';
import type { JsonObject } from '#kernel';
import type { DeliveryKey } from './delivery-id.js';
import type { Filled } from './slotted.js';

/** Where a message goes, the address's hash as suppressions are kept by it, and what is the recipient's alone. */
export interface Addressee {
  address: string;
  hash: Buffer;
  /** Instead of the campaign's. */
  promoCode?: string;
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

/** One composed push message. */
export interface PushMessage {
  deliveryId: string;
  /** The subscription's endpoint, or an app's token. */
  to: string;
  /** As the customer's browser or app gave it. */
  subscription: JsonObject;
  title: string;
  body: string;
  /** Where a click leads. */
  url: string | null;
}

/** A composed message, of whatever channel. */
export type Message = EmailMessage | SmsMessage | PushMessage;

/**
 * Writes one recipient's message.
 *
 * @throws LiquidError when a template fails for this recipient
 */
export type Writer = (key: DeliveryKey, to: Addressee, profile: CustomerProfile) => Message;

/** Why a message cannot be written, or would be refused as it is, in the ledger's words. */
export const MESSAGE_FAULTS = ['template_failed', 'template_limit_exceeded', 'email_too_large', 'message_too_long', 'no_provider_for_subscription'] as const;
export type MessageFault = (typeof MESSAGE_FAULTS)[number];

/** A message that has more than its readers would be shown. */
export class TooLarge extends Error {
  override readonly message = 'The email has more than mail programs show.';
}

/** No control characters: a header is one line, whatever a template makes of a customer's name. */
// eslint-disable-next-line no-control-regex
export const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();

import type { CustomerProfile } from '#customers';
import type { DeliveryKey } from './delivery-id.js';
import type { EmailMessage } from './email.js';
import type { SmsMessage } from './sms.js';

/** Where a message goes, and the address's hash as suppressions are kept by it. */
export interface Addressee {
  address: string;
  hash: Buffer;
}

/** A composed message, of whatever channel. */
export type Message = EmailMessage | SmsMessage;

/**
 * Writes one recipient's message.
 *
 * @throws LiquidError when a template fails for this recipient
 */
export type Writer = (key: DeliveryKey, to: Addressee, profile: CustomerProfile) => Message;

import type { SuppressionReason } from '#customers';
import type { Channel } from '#tenants';

export const RECEIPT_TYPES = ['delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained', 'failed'] as const;
export type ReceiptType = (typeof RECEIPT_TYPES)[number];

/** Something that happened to a message after it was sent. It names the delivery by id, by the provider's id, or by campaign and person. */
export interface Receipt {
  type: ReceiptType;
  deliveryId?: string;
  providerMessageId?: string;
  campaignId?: string;
  address?: string;
  /** The same as its suppression's hash, of whom a message's own link says where it was sent. */
  addressHash?: Buffer;
  customerId?: string;
  channel?: Channel;
  at: Date;
  url?: string;
  linkNo?: number;
  /** A scanner's or proxy's doing: kept, and never counted as human. */
  machine?: boolean;
  /** Why it failed or bounced. A bounce with the reason `soft` does not close the address. */
  reason?: string;
  /** Why nothing more is to be sent to the address, where a failure says so. */
  closes?: SuppressionReason;
  /** Where an opt-out came from, for the consent log. */
  source?: string;
}

/** Whether the receipt found a message that was sent. */
export type ReceiptResult = 'matched' | 'unmatched';

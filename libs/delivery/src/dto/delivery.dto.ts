import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { encodeDeliveryId } from '../delivery-id.js';

export const DELIVERY_STATUSES = ['pending', 'claimed', 'calling', 'accepted', 'rejected', 'unknown', 'skipped'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** A row of the ledger. */
export interface DeliveryRow {
  tenant_id: number;
  campaign_no: number;
  customer_no: number;
  channel: Channel;
  status: DeliveryStatus;
  reason: string | null;
  attempts: number;
  variant: string | null;
  provider: string | null;
  provider_message_id: string | null;
  accepted_at: Date | null;
  delivered_at: Date | null;
  opened_at: Date | null;
  machine_opened_at: Date | null;
  clicked_at: Date | null;
  bounced_at: Date | null;
  failed_at: Date | null;
  complained_at: Date | null;
  unsubscribed_at: Date | null;
  converted_at: Date | null;
}

/** One message to one customer over one channel: whether they got it, or why not, and what they did. */
export class DeliveryDto {
  @ApiProperty({ example: 'dlv_00000800000800000ea80' })
  id: string;

  /** Null once the customer was erased. */
  customer_id: string | null;

  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  /** The state of sending; what happened afterwards is in the instants below. */
  @ApiProperty({ enum: DELIVERY_STATUSES })
  status: DeliveryStatus;

  /** Why it was skipped, rejected, deferred or left unknown. `ab_test`: it waits for the winner of the campaign's test. */
  reason: string | null;

  /** How often the provider was called for it. */
  attempts: number;

  /** The variant of the content that was sent; null before that, and without variants. */
  variant: string | null;

  /** The customer’s own code, in a campaign with `unique_promo_codes`. It can be redeemed only after a message with it was handed to a provider that did not refuse it. */
  promo_code: string | null;

  provider: string | null;
  provider_message_id: string | null;
  accepted_at: Date | null;
  delivered_at: Date | null;

  /** When a person first opened it. */
  opened_at: Date | null;

  /** When a scanner or proxy first opened it; not counted as an open. */
  machine_opened_at: Date | null;

  clicked_at: Date | null;
  bounced_at: Date | null;
  failed_at: Date | null;
  complained_at: Date | null;
  unsubscribed_at: Date | null;
  converted_at: Date | null;

  static from({ tenant_id, campaign_no, customer_no, ...row }: DeliveryRow, customerId: string | null, promoCode: string | null = null): DeliveryDto {
    const id = encodeDeliveryId({ tenantId: tenant_id, campaignNo: campaign_no, customerNo: customer_no, channel: row.channel });
    return { id, customer_id: customerId, ...row, promo_code: promoCode };
  }
}

export class DeliveryPageDto extends pageOf(DeliveryDto) {}

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

  /** The ledger's state; what came after sending is in the instants below. */
  @ApiProperty({ enum: DELIVERY_STATUSES })
  status: DeliveryStatus;

  /** Why it was skipped, rejected, put off or left unknown; `ab_test`: it waits for the winner of the campaign's test. */
  reason: string | null;

  /** Calls of the provider so far. */
  attempts: number;

  /** Which variant of the content was sent; null without variants, and before it is sent. */
  variant: string | null;

  /** The customer’s own, in a campaign with `unique_promo_codes`. It redeems once a message with it was handed to a provider that has not refused it. */
  promo_code: string | null;

  provider: string | null;
  provider_message_id: string | null;
  accepted_at: Date | null;
  delivered_at: Date | null;

  /** First time by a person. */
  opened_at: Date | null;

  /** First time by a scanner or proxy; not counted as an open. */
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

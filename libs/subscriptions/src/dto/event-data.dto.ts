import { ApiProperty } from '@nestjs/swagger';
import { type Channel, CHANNELS } from '#tenants';

/** The events' `data`, as the OpenAPI document describes it. */

const CAMPAIGN_STATUSES = ['active', 'paused', 'completed'] as const;

export class CampaignEventReasonDto {
  @ApiProperty({ example: 'sender_not_configured' })
  code: string;

  detail: string;
}

export class CampaignEventDataDto {
  @ApiProperty({ example: 'camp_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  campaign_id: string;

  name: string;

  @ApiProperty({ enum: CAMPAIGN_STATUSES, example: 'paused' })
  status: (typeof CAMPAIGN_STATUSES)[number];

  /** Why we paused it; null if one of your users did, and in all other events. */
  reason: CampaignEventReasonDto | null;
}

class DeliveryEventEntryDto {
  @ApiProperty({ example: 'guest-42' })
  customer_id: string;

  @ApiProperty({ example: 'dlv_00000800000800000ea80' })
  delivery_id: string;

  @ApiProperty({ example: 'camp_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  campaign_id: string;

  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  at: string;
}

export class BouncedEntryDto extends DeliveryEventEntryDto {
  /** Whether nothing more is sent to the address; false for temporary bounces, such as a full mailbox. */
  permanent: boolean;
}

export class BouncedEventDataDto {
  /** One or more, up to 500. */
  @ApiProperty({ type: [BouncedEntryDto], minItems: 1, maxItems: 500 })
  deliveries: BouncedEntryDto[];
}

export class ComplainedEntryDto extends DeliveryEventEntryDto {}

export class ComplainedEventDataDto {
  /** One or more, up to 500. */
  @ApiProperty({ type: [ComplainedEntryDto], minItems: 1, maxItems: 500 })
  deliveries: ComplainedEntryDto[];
}

export class UnsubscribedEntryDto {
  @ApiProperty({ example: 'guest-42' })
  customer_id: string;

  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  /** When the customer unsubscribed. */
  at: string;
}

export class UnsubscribedEventDataDto {
  /** One or more, up to 500; a customer who unsubscribed from two channels is listed twice. */
  @ApiProperty({ type: [UnsubscribedEntryDto], minItems: 1, maxItems: 500 })
  customers: UnsubscribedEntryDto[];
}

export class SegmentMoverDto {
  @ApiProperty({ example: 'guest-42' })
  customer_id: string;
}

export class SegmentEventDataDto {
  @ApiProperty({ example: 'seg_loyalty_gold' })
  segment_id: string;

  /** One or more, up to 500. If more customers move at once, there are several messages. */
  @ApiProperty({ type: [SegmentMoverDto], minItems: 1, maxItems: 500 })
  customers: SegmentMoverDto[];
}

export class RolledBackEventDataDto {
  @ApiProperty({ example: 'red_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  redemption_id: string;

  @ApiProperty({ example: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  promo_id: string;

  @ApiProperty({ example: 'FLASH25' })
  promo_code: string;

  order_id: string;
}

export class RedeemedEventDataDto extends RolledBackEventDataDto {
  /** Null if the till named no customer. */
  customer_id: string | null;

  /** After the discount. */
  @ApiProperty({ example: 36.75 })
  order_total: number;

  @ApiProperty({ example: 'USD' })
  currency: string;
}

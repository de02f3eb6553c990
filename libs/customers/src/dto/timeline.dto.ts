import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { CHANNELS, type Channel, CONSENT_STATUSES, type ConsentStatus } from '../profile.js';
import { TIMELINE_TYPES, type TimelineType } from '../personal-data.js';

export class TimelineQueryDto {
  @IsOptional() @IsInt() @Min(1) @Max(100) @Type(() => Number)
  @ApiProperty({ required: false, minimum: 1, maximum: 100, default: 20, description: 'Entries per page.' })
  limit?: number;

  @IsOptional() @IsString() @MaxLength(1024)
  @ApiProperty({ required: false, maxLength: 1024, description: '`next_cursor` of the previous page.' })
  cursor?: string;

  /** Only entries of this type. */
  @IsOptional() @IsIn(TIMELINE_TYPES)
  @ApiProperty({ required: false, enum: TIMELINE_TYPES })
  type?: TimelineType;
}

const WHAT = ['accepted', 'delivered', 'opened', 'clicked', 'bounced', 'complained', 'unsubscribed', 'converted'] as const;

export class EventDataDto {
  id: string;
  /** Such as `order_completed`. */
  event_type: string;
  @ApiProperty({ type: String, nullable: true })
  stage: string | null;
  @ApiProperty({ type: String, nullable: true })
  order_id: string | null;
  /** Of an order or a refund, in the tenant's currency. */
  @ApiProperty({ type: Number, nullable: true })
  amount: number | null;
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true })
  properties: Record<string, unknown> | null;
}

export class DeliveryDataDto {
  campaign_id: string;
  /** The campaign's. */
  name: string;
  @ApiProperty({ enum: CHANNELS })
  channel: Channel;
  /** What became of the message; `accepted` by the provider is sent. */
  @ApiProperty({ enum: WHAT })
  what: (typeof WHAT)[number];
}

export class RedemptionDataDto {
  id: string;
  code: string;
  order_id: string;
  status: string;
  discount_amount: number;
}

export class ConsentDataDto {
  @ApiProperty({ enum: CHANNELS })
  channel: Channel;
  @ApiProperty({ enum: CONSENT_STATUSES })
  status: ConsentStatus;
  @ApiProperty({ type: String, nullable: true })
  source: string | null;
}

export class MergeDataDto {
  /** The id that was merged into this customer. */
  customer_id: string;
}

const entryOf = <Data>(type: TimelineType, data: new () => Data) => {
  class Entry {
    @ApiProperty({ format: 'date-time' })
    at: string;

    @ApiProperty({ enum: [type] })
    type: string;

    @ApiProperty({ type: data })
    data: Data;
  }
  return Entry;
};

export class EventEntryDto extends entryOf('event', EventDataDto) {}
export class DeliveryEntryDto extends entryOf('delivery', DeliveryDataDto) {}
export class RedemptionEntryDto extends entryOf('redemption', RedemptionDataDto) {}
export class RollbackEntryDto extends entryOf('rollback', RedemptionDataDto) {}
export class ConsentEntryDto extends entryOf('consent', ConsentDataDto) {}
export class MergeEntryDto extends entryOf('merge', MergeDataDto) {}

const ENTRIES = { event: EventEntryDto, delivery: DeliveryEntryDto, redemption: RedemptionEntryDto, rollback: RollbackEntryDto, consent: ConsentEntryDto, merge: MergeEntryDto } satisfies Record<TimelineType, unknown>;

export class TimelineMetaDto {
  @ApiProperty({ example: 20 })
  limit: number;

  @ApiProperty({ example: false })
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor: string | null;
}

@ApiExtraModels(...Object.values(ENTRIES))
export class TimelineDto {
  @ApiProperty({
    type: 'array',
    items: {
      oneOf: Object.values(ENTRIES).map((entry) => ({ $ref: getSchemaPath(entry) })),
      discriminator: { propertyName: 'type', mapping: Object.fromEntries(Object.entries(ENTRIES).map(([type, entry]) => [type, getSchemaPath(entry)])) },
    },
  })
  data: InstanceType<(typeof ENTRIES)[TimelineType]>[];

  meta: TimelineMetaDto;
}

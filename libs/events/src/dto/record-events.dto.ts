import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsNumber, IsObject, IsOptional, IsString, Length, Matches, Max, Min, ValidateNested } from 'class-validator';
import { IsInstant } from '#http';
import { DERIVED_STAGES, STAGES, type Stage } from '../stages.js';

const MAX_AMOUNT = 1e13;

export class OrderItemDto {
  @IsOptional() @IsString() @Length(1, 200)
  id?: string;

  @IsOptional() @IsString() @Length(1, 200)
  @ApiProperty({ required: false, minLength: 1, maxLength: 200, example: 'margherita' })
  product_id?: string;

  @IsOptional() @IsString() @Length(0, 500)
  name?: string;

  @IsOptional() @IsArray() @ArrayMaxSize(50) @IsString({ each: true }) @Length(1, 200, { each: true })
  category_ids?: string[];

  @IsOptional() @IsNumber() @Min(0) @Max(1e9)
  quantity?: number;

  /** In the tenant's currency. */
  @IsOptional() @IsNumber() @Min(0) @Max(MAX_AMOUNT)
  unit_price?: number;
}

/** With `order_completed`: `id`, `total` and what else is known. With `order_refunded`: `id` and `amount`. */
export class EventOrderDto {
  /** The caller's own id; an order counts once, however often it is told. */
  @IsString() @Length(1, 200)
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'order_5001' })
  id: string;

  /** What the customer paid, in the tenant's currency. Required with `order_completed`. */
  @IsOptional() @IsNumber() @Min(0) @Max(MAX_AMOUNT)
  @ApiProperty({ required: false, minimum: 0, maximum: MAX_AMOUNT, example: 24.5 })
  total?: number;

  /** What was given back. Required with `order_refunded`. Refunds of an order never exceed its total: what is above it is not counted. */
  @IsOptional() @IsNumber() @Min(0) @Max(MAX_AMOUNT)
  amount?: number;

  @IsOptional() @IsArray() @ArrayMaxSize(500) @ValidateNested({ each: true }) @Type(() => OrderItemDto)
  items?: OrderItemDto[];

  @IsOptional() @IsString() @Length(1, 64)
  promo_code?: string | null;

  @IsOptional() @IsString() @Length(1, 200)
  location_id?: string | null;

  /** Where it was ordered, such as `web`, `app`, `dine_in`. */
  @IsOptional() @IsString() @Length(1, 100)
  channel?: string | null;
}

export class EventDto {
  /** The caller's own id; deduplicates for ever. */
  @IsString() @Length(1, 200)
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'evt_1' })
  id: string;

  /** Known types have a funnel stage: `touchpoint`, `menu_viewed`, `page_viewed`, `cart_item_added`, `checkout_started`, `options_compared`, `order_completed`, `first_experience_completed`, `referral_made`. Any other is kept. */
  @Matches(/^[A-Za-z][A-Za-z0-9_.:-]{0,99}$/)
  @ApiProperty({ pattern: '^[A-Za-z][A-Za-z0-9_.:-]{0,99}$', example: 'order_completed' })
  type: string;

  /** An id nobody knows yet becomes a bare profile. */
  @IsString()
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'cust_1001' })
  customer_id: string;

  /** RFC 3339, from 2000 to a day ahead. */
  @IsInstant()
  @ApiProperty({ format: 'date-time', example: '2026-01-24T18:30:00Z' })
  occurred_at: string;

  /** The funnel stage of a type that has none of its own; a known type takes no other than its own. `activation` and `retention` follow from orders and are not sent. */
  @IsOptional() @IsIn(STAGES)
  @ApiProperty({ enum: STAGES.filter((stage) => !DERIVED_STAGES.includes(stage)), required: false, nullable: true })
  stage?: Stage | null;

  /** Anything; segments can ask for it. */
  @IsOptional() @IsObject()
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true, example: { source: 'qr_code' } })
  properties?: Record<string, unknown> | null;

  @IsOptional() @ValidateNested() @Type(() => EventOrderDto)
  order?: EventOrderDto | null;
}

/** Events are validated one by one, so that a bad one does not spoil the others. */
export class RecordEventsDto {
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(1000)
  @ApiProperty({ type: [EventDto], minItems: 1, maxItems: 1000 })
  events: unknown[];
}

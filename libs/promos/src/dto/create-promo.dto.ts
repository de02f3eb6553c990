import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayNotEmpty, ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsOptional, IsString, IsTimeZone, Length, Matches, Max, Min, ValidateNested } from 'class-validator';
import { IsInstant } from '#http';
import { IsPromoCode } from '../promo-code.js';
import { PROMO_TYPES, type PromoType } from '../promo.entity.js';
import { type Weekday, WEEKDAYS } from '../schedule.js';

/** No currency has a smaller unit (CLF and UYW have four decimals). */
const SMALLEST = 0.0001;
const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

/** Null is the same as left out; in a patch, what takes a member away. */
export class AppliesToInputDto {
  /** Every item; not together with `item_ids` or `category_ids`. */
  @IsOptional() @IsIn([true])
  @ApiProperty({ type: Boolean, enum: [true], required: false, nullable: true })
  all_items?: true | null;

  /** Matched against the items' `product_id`. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  item_ids?: string[] | null;

  /** An item in one of these is eligible, as one of `item_ids` is. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  category_ids?: string[] | null;

  /** Never discounted, whatever else says so. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  exclude_item_ids?: string[] | null;

  /** Locations the promo holds at. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  location_ids?: string[] | null;

  /** Order channels the promo holds on, such as `delivery` or `dine_in`. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(100) @IsString({ each: true }) @Length(1, 255, { each: true })
  channels?: string[] | null;
}

/** Happy hours; null as in `applies_to`. */
export class ScheduleInputDto {
  /** Days a window begins on; every day when left out. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(WEEKDAYS.length) @ArrayUnique() @IsIn(WEEKDAYS, { each: true })
  @ApiProperty({ enum: WEEKDAYS, isArray: true, required: false })
  days?: Weekday[] | null;

  /** Wall-clock `HH:MM`, with `to`. */
  @IsOptional() @Matches(CLOCK_TIME)
  from?: string | null;

  /** Wall-clock `HH:MM`; before `from` means the next morning. */
  @IsOptional() @Matches(CLOCK_TIME)
  to?: string | null;

  /** IANA name; the tenant’s time zone when left out. */
  @IsOptional() @IsTimeZone()
  timezone?: string | null;
}

/** What a promo promises, apart from its code and type. Null is the same as left out. */
export class PromoTermsDto {
  /** `percentage`: above 0, at most 100, two decimals. `fixed_amount`: money. Not for `free_delivery`. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  value?: number | null;

  /** Least sum of the order’s items. */
  @IsOptional() @IsNumber() @Min(0)
  min_order_amount?: number | null;

  /** Most that one redemption takes off. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  max_discount?: number | null;

  /** Most redemptions in all. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647)
  usage_limit?: number | null;

  /** Most redemptions of one customer. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647)
  per_customer_limit?: number | null;

  /** Most that all redemptions together take off; never split. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  budget?: number | null;

  /** From this instant on, inclusive. */
  @IsOptional() @IsInstant()
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true })
  valid_from?: string | null;

  /** Until this instant, exclusive. */
  @IsOptional() @IsInstant()
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true })
  valid_until?: string | null;

  /** `{"all_items": true}` when left out. */
  @IsOptional() @ValidateNested() @Type(() => AppliesToInputDto)
  applies_to?: AppliesToInputDto | null;

  @IsOptional() @ValidateNested() @Type(() => ScheduleInputDto)
  schedule?: ScheduleInputDto | null;

  /** Only its members may redeem. */
  @IsOptional() @IsString() @Length(1, 64)
  customer_segment_id?: string | null;

  /** Only for a customer’s first order. */
  @IsOptional() @IsBoolean()
  first_order_only?: boolean | null;

  /** Whether its own code does not redeem, but only those that campaigns with `unique_promo_codes` give to customers. */
  @IsOptional() @IsBoolean()
  unique_codes_only?: boolean | null;

  /** May be combined with other stackable promos on one order. */
  @IsOptional() @IsBoolean()
  stackable?: boolean | null;

  /** Of several codes on an order the higher is applied first. */
  @IsOptional() @IsInt() @Min(-1_000_000) @Max(1_000_000)
  priority?: number | null;
}

export class CreatePromoDto extends PromoTermsDto {
  /** Trimmed and upper-cased: 3 to 32 of A-Z, 0-9, `_` and `-`. */
  @IsPromoCode()
  @ApiProperty({ pattern: '^\\s*[A-Za-z0-9][A-Za-z0-9_-]{2,31}\\s*$', example: 'WELCOME20' })
  code: string;

  @IsIn(PROMO_TYPES, { message: `type must be one of ${PROMO_TYPES.join(', ')} (free_item and buy_x_get_y are not supported yet)` })
  @ApiProperty({ enum: PROMO_TYPES, description: '`free_item` and `buy_x_get_y` are refused with 400 until they are supported.' })
  type: PromoType;
}

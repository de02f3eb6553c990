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

/** Null is the same as leaving a member out; in a patch, it removes the member. */
export class AppliesToInputDto {
  /** Every item; not together with `item_ids` or `category_ids`. */
  @IsOptional() @IsIn([true])
  @ApiProperty({ type: Boolean, enum: [true], required: false, nullable: true })
  all_items?: true | null;

  /** Matched against the items' `product_id`. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  item_ids?: string[] | null;

  /** Items in these categories are eligible, in addition to `item_ids`. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  category_ids?: string[] | null;

  /** Never discounted, even if another member selects them. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  exclude_item_ids?: string[] | null;

  /** Locations where the promo is valid. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(1000) @IsString({ each: true }) @Length(1, 255, { each: true })
  location_ids?: string[] | null;

  /** Order channels where the promo is valid, such as `delivery` or `dine_in`. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(100) @IsString({ each: true }) @Length(1, 255, { each: true })
  channels?: string[] | null;
}

/** Happy hours; null as in `applies_to`. */
export class ScheduleInputDto {
  /** Days on which a window begins; defaults to every day. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(WEEKDAYS.length) @ArrayUnique() @IsIn(WEEKDAYS, { each: true })
  @ApiProperty({ enum: WEEKDAYS, isArray: true, required: false })
  days?: Weekday[] | null;

  /** Wall-clock `HH:MM`, with `to`. */
  @IsOptional() @Matches(CLOCK_TIME)
  from?: string | null;

  /** Wall-clock `HH:MM`; before `from` means the next morning. */
  @IsOptional() @Matches(CLOCK_TIME)
  to?: string | null;

  /** IANA name; defaults to the tenant’s time zone. */
  @IsOptional() @IsTimeZone()
  timezone?: string | null;
}

/** A promo’s terms, apart from its code and type. Null is the same as leaving a member out. */
export class PromoTermsDto {
  /** `percentage`: above 0, at most 100, two decimals. `fixed_amount`: money. Not for `free_delivery`. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  value?: number | null;

  /** Minimum sum of the order’s items. */
  @IsOptional() @IsNumber() @Min(0)
  min_order_amount?: number | null;

  /** Maximum discount of one redemption. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  max_discount?: number | null;

  /** Maximum number of redemptions in total. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647)
  usage_limit?: number | null;

  /** Maximum number of redemptions per customer. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647)
  per_customer_limit?: number | null;

  /** Maximum total discount of all redemptions; a discount that exceeds what is left is refused, not reduced. */
  @IsOptional() @IsNumber() @Min(SMALLEST)
  budget?: number | null;

  /** Start of validity, inclusive. */
  @IsOptional() @IsInstant()
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true })
  valid_from?: string | null;

  /** End of validity, exclusive. */
  @IsOptional() @IsInstant()
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true })
  valid_until?: string | null;

  /** Defaults to `{"all_items": true}`. */
  @IsOptional() @ValidateNested() @Type(() => AppliesToInputDto)
  applies_to?: AppliesToInputDto | null;

  @IsOptional() @ValidateNested() @Type(() => ScheduleInputDto)
  schedule?: ScheduleInputDto | null;

  /** Only members of this segment may redeem. */
  @IsOptional() @IsString() @Length(1, 64)
  customer_segment_id?: string | null;

  /** Only for a customer’s first order. */
  @IsOptional() @IsBoolean()
  first_order_only?: boolean | null;

  /** Whether only the unique codes that campaigns with `unique_promo_codes` give to customers can be redeemed, and not the promo’s own code. */
  @IsOptional() @IsBoolean()
  unique_codes_only?: boolean | null;

  /** May be combined with other stackable promos on one order. */
  @IsOptional() @IsBoolean()
  stackable?: boolean | null;

  /** If an order has several codes, higher priorities are applied first. */
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

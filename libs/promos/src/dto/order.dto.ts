import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsDefined, IsInt, IsNumber, IsOptional, IsString, Length, Max, Min, Validate, ValidateNested } from 'class-validator';
import { CustomerIdRule } from '#customers';
import { Trimmed } from '#http';
import { IsPromoCode } from '../promo-code.js';

export class CheckoutItemDto {
  /** The line’s own id, unique within the order. */
  @IsString() @Length(1, 255)
  id: string;

  /** Matched against `applies_to.item_ids` and `exclude_item_ids`. */
  @IsOptional() @IsString() @Length(1, 255)
  product_id?: string | null;

  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true })
  category_ids?: string[] | null;

  @IsInt() @Min(1) @Max(100_000)
  quantity: number;

  @IsNumber() @Min(0)
  unit_price: number;
}

export class OrderDto {
  /** The caller’s own id. */
  @IsString() @Length(1, 255)
  id: string;

  /** ISO 4217; defaults to the tenant’s. */
  @IsOptional() @IsString() @Length(3, 3)
  currency?: string | null;

  @IsArray() @ArrayNotEmpty() @ArrayMaxSize(500) @ArrayUnique((item: CheckoutItemDto | null) => item?.id) @ValidateNested({ each: true }) @Type(() => CheckoutItemDto)
  @ApiProperty({ type: [CheckoutItemDto], minItems: 1, maxItems: 500 })
  items: CheckoutItemDto[];

  @IsOptional() @IsNumber() @Min(0)
  delivery_fee?: number | null;

  @IsOptional() @IsString() @Length(1, 255)
  location_id?: string | null;

  @IsOptional() @IsString() @Length(1, 255)
  channel?: string | null;
}

/** A code, or several, for an order. */
export class RedeemDto {
  /** Either this or `codes`. */
  @IsOptional() @IsPromoCode()
  code?: string;

  /** Several codes: either all are redeemed or none. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @ArrayMaxSize(10) @ArrayUnique() @IsPromoCode({ each: true })
  codes?: string[];

  /** Redeeming creates a bare profile for an unknown customer. */
  @IsOptional() @Validate(CustomerIdRule)
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200, example: 'cust_1001' })
  customer_id?: string | null;

  @IsDefined() @ValidateNested() @Type(() => OrderDto)
  order: OrderDto;
}

export class RollbackDto {
  /** Stored with the redemption. */
  @IsOptional() @Trimmed() @IsString() @Length(1, 500)
  reason?: string | null;
}

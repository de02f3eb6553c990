import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';
import { toDecimal } from '#kernel';
import { type AppliesTo, type Promo, PROMO_STATUSES, PROMO_TYPES, type PromoStatus, type PromoType } from '../promo.entity.js';
import { type Schedule, type Weekday, WEEKDAYS } from '../schedule.js';

export class AppliesToDto implements AppliesTo {
  @ApiProperty({ type: Boolean, enum: [true], required: false })
  all_items?: true;

  item_ids?: string[];
  category_ids?: string[];
  exclude_item_ids?: string[];
  location_ids?: string[];
  channels?: string[];
}

export class ScheduleDto implements Schedule {
  @ApiProperty({ enum: WEEKDAYS, isArray: true, required: false })
  days?: Weekday[];

  from?: string;
  to?: string;
  timezone?: string;
}

/** A promo code. Money in the tenant’s currency. */
export class PromoDto {
  id: string;
  code: string;

  @ApiProperty({ enum: PROMO_TYPES })
  type: PromoType;

  /** Percent, or money; null for `free_delivery`. */
  value: number | null;

  min_order_amount: number | null;
  max_discount: number | null;
  usage_limit: number | null;
  per_customer_limit: number | null;
  budget: number | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  valid_from: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  valid_until: string | null;

  applies_to: AppliesToDto;
  schedule: ScheduleDto | null;
  customer_segment_id: string | null;
  first_order_only: boolean;

  /** Only codes given to customers can be redeemed, not the promo’s own. True for promos created with a campaign with `unique_promo_codes`. */
  unique_codes_only: boolean;

  stackable: boolean;
  priority: number;

  @ApiProperty({ enum: PROMO_STATUSES })
  status: PromoStatus;

  /** Redemptions that were not rolled back. */
  uses: number;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  static from(promo: Promo, currency: string): PromoDto {
    const money = (minor: number | null): number | null => (minor === null ? null : toDecimal(minor, currency));
    return {
      id: promo.promoId,
      code: promo.code,
      type: promo.type,
      value: promo.type === 'percentage' ? promo.value! / 100 : money(promo.value),
      min_order_amount: money(promo.minOrderAmount),
      max_discount: money(promo.maxDiscount),
      usage_limit: promo.usageLimit,
      per_customer_limit: promo.perCustomerLimit,
      budget: money(promo.budget),
      valid_from: promo.validFrom?.toISOString() ?? null,
      valid_until: promo.validUntil?.toISOString() ?? null,
      applies_to: promo.appliesTo,
      schedule: promo.schedule,
      customer_segment_id: promo.segmentId,
      first_order_only: promo.firstOrderOnly,
      unique_codes_only: promo.uniqueCodesOnly,
      stackable: promo.stackable,
      priority: promo.priority,
      status: promo.status,
      uses: promo.uses,
      created_at: promo.createdAt.toISOString(),
      updated_at: promo.updatedAt.toISOString(),
    };
  }
}

export class PromoPageDto extends pageOf(PromoDto) {}

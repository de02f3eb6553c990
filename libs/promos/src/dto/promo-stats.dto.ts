import { ApiProperty } from '@nestjs/swagger';

export class PromoDayDto {
  /** In the tenant’s time zone. */
  @ApiProperty({ format: 'date' })
  date: string;

  uses: number;
  discount_amount: number;
  order_revenue: number;
}

/** Statistics of a promo; rolled-back redemptions do not count. */
export class PromoStatsDto {
  uses: number;

  /** Number of distinct customers. */
  customers: number;

  discount_amount: number;

  /** Totals of the orders it was redeemed on, after discounts. */
  order_revenue: number;

  /** Null without a usage limit. */
  remaining_uses: number | null;

  /** Null without a budget. */
  remaining_budget: number | null;

  /** Days with a use, oldest first. */
  by_day: PromoDayDto[];
}

import { ApiProperty } from '@nestjs/swagger';
import { toDecimal } from '#kernel';
import { type Redemption, REDEMPTION_STATUSES, type RedemptionStatus } from '../redemption.js';

export class DiscountedItemDto {
  id: string;
  discount_amount: number;
}

export class PricedOrderDto {
  /** Items and delivery fee, before any discount. */
  amount: number;

  /** What is left to pay. */
  total_amount: number;

  /** The discount of each line; discounts of the delivery fee are not included. */
  items: DiscountedItemDto[];
}

/** A promo code used on an order. */
export class RedemptionDto {
  id: string;
  code: string;
  promo_id: string;
  customer_id: string | null;
  order_id: string;

  @ApiProperty({ enum: REDEMPTION_STATUSES })
  status: RedemptionStatus;

  discount_amount: number;
  order: PricedOrderDto;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  rolled_back_at: string | null;

  rollback_reason: string | null;

  static from(redemption: Redemption, customerId: string | null): RedemptionDto {
    const decimal = (minor: number): number => toDecimal(minor, redemption.currency);
    return {
      id: redemption.redemptionId,
      code: redemption.code,
      promo_id: redemption.promoId,
      customer_id: customerId,
      order_id: redemption.orderId,
      status: redemption.status,
      discount_amount: decimal(redemption.discount),
      order: {
        amount: decimal(redemption.orderAmount),
        total_amount: decimal(redemption.orderTotal),
        items: redemption.lineIds.map((id, line) => ({ id, discount_amount: decimal(redemption.lineDiscounts[line]!) })),
      },
      created_at: redemption.createdAt.toISOString(),
      rolled_back_at: redemption.rolledBackAt?.toISOString() ?? null,
      rollback_reason: redemption.rollbackReason,
    };
  }
}

/** Several codes on one order. */
export class RedemptionsDto {
  redemptions: RedemptionDto[];
}

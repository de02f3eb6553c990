import { ApiProperty } from '@nestjs/swagger';
import { toDecimal } from '#kernel';
import type { Judgement } from '../judgement.js';
import type { Order } from '../order.js';
import { type Reason, REASONS } from '../promo.errors.js';
import { PricedOrderDto } from './redemption.dto.js';

export class ApplicableDto {
  code: string;
  promo_id: string;
  discount_amount: number;
}

export class InapplicableDto {
  code: string;

  @ApiProperty({ enum: Object.keys(REASONS), example: 'min_order_not_met' })
  reason: Reason;

  /** Numbers that explain the reason, such as `shortfall`. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { shortfall: 4.5 } })
  params: Record<string, number>;
}

/** What redeeming the codes on the order would do now. */
export class ValidationDto {
  /** Whether all codes apply. */
  valid: boolean;

  total_discount_amount: number;
  order: PricedOrderDto;
  applicable: ApplicableDto[];
  inapplicable: InapplicableDto[];

  /** The fewest uses left of any applicable promo; null if none has a usage limit. */
  remaining_uses: number | null;

  static from({ applicable, inapplicable }: Judgement, order: Order): ValidationDto {
    const decimal = (minor: number): number => toDecimal(minor, order.currency);
    const total = applicable.reduce((sum, { discount }) => sum + discount, 0);
    const remaining = applicable.flatMap(({ promo }) => (promo.usageLimit === null ? [] : [promo.usageLimit - promo.uses]));
    return {
      valid: inapplicable.length === 0,
      total_discount_amount: decimal(total),
      order: {
        amount: decimal(order.amount),
        total_amount: decimal(order.amount - total),
        items: order.lines.map(({ id }, line) => ({ id, discount_amount: decimal(applicable.reduce((sum, { lineDiscounts }) => sum + lineDiscounts[line]!, 0)) })),
      },
      applicable: applicable.map(({ code, promo, discount }) => ({ code, promo_id: promo.promoId, discount_amount: decimal(discount) })),
      inapplicable: inapplicable.map(({ code, reason, amounts }) => ({ code, reason, params: amountsIn(order.currency, amounts) })),
      remaining_uses: remaining.length === 0 ? null : Math.min(...remaining),
    };
  }
}

/** Minor units as decimals, name by name. */
export const amountsIn = (currency: string, amounts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts).map(([name, minor]) => [name, toDecimal(minor, currency)]));

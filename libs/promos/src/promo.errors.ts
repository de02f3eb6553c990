import { domainError } from '#kernel';

export class PromoError extends domainError({
  invalid_promo_code: [400, 'A promo code is 3 to 32 of A-Z, 0-9, _ and -, beginning with a letter or digit.'],
  promo_not_found: [404, 'No such promo code.'],
  redemption_not_found: [404, 'No such redemption.'],
  promo_code_exists: [409, 'The promo code is already in use.'],
  invalid_state: [409, 'The promo’s status does not allow this.'],
}) {}

/** Why a code does not apply to an order: `reason` of a validation, `code` of a refused redemption. */
export const REASONS = {
  not_found: [422, 'There is no promo with this code.'],
  inactive: [422, 'The promo is paused or archived.'],
  not_started: [422, 'The promo is not valid yet.'],
  expired: [422, 'The promo is no longer valid.'],
  outside_schedule: [422, 'The promo does not hold at this hour.'],
  unique_code_required: [422, 'Only the codes that customers were given redeem the promo.'],
  code_not_yours: [422, 'The code was given to another customer.'],
  code_already_redeemed: [409, 'The code works once, and was redeemed.'],
  usage_limit_reached: [409, 'The promo has been used as often as it may be.'],
  customer_limit_reached: [409, 'The customer has used the promo as often as they may.'],
  budget_exhausted: [409, 'The promo’s budget cannot pay for this discount in full.'],
  min_order_not_met: [422, 'The order is below the promo’s minimum; `shortfall` is missing.'],
  no_eligible_items: [422, 'Nothing in the order is eligible.'],
  location_not_eligible: [422, 'The promo does not hold at this location.'],
  channel_not_eligible: [422, 'The promo does not hold on this channel.'],
  customer_required: [422, 'The promo needs to know the customer.'],
  customer_not_in_segment: [422, 'The customer is not in the promo’s segment.'],
  not_first_order: [422, 'The promo is for a first order.'],
  currency_mismatch: [422, 'The order is in another currency than the tenant’s.'],
  already_redeemed_for_order: [422, 'The promo was already redeemed for this order.'],
  not_combinable: [422, 'The promo cannot be combined with another on this order.'],
  zero_discount: [422, 'The promo takes nothing off this order.'],
} as const satisfies Record<string, readonly [number, string]>;

export type Reason = keyof typeof REASONS;

/** A redemption refused by a rule (422) or a limit (409). */
export class RedemptionRefused extends domainError<Reason>(REASONS) {}

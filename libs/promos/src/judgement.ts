import type { Line, Order } from './order.js';
import { type Discount, discountOf, type Offer } from './pricing.js';
import type { AppliesTo, CodedPromo, Promo } from './promo.entity.js';
import type { Reason } from './promo.errors.js';
import { isWithin } from './schedule.js';

/** What must be known beside the promos and the order. */
export interface Facts {
  at: Date;
  /** Of the tenant. */
  timezone: string;
  currency: string;
  /** Null: the order is nobody's. */
  customer: CustomerFacts | null;
  /** What was redeemed on this order before and stands. */
  standing: readonly Standing[];
}

export interface CustomerFacts {
  /** Null: nobody knows them yet. */
  customerNo: number | null;
  /** Uses by promo number. */
  uses: ReadonlyMap<number, number>;
  /** Segments (of those the promos name) that the customer is in. */
  segments: ReadonlySet<number>;
  /** Whether any other order of the customer is known. */
  ordered: boolean;
}

export interface Standing {
  promoNo: number;
  stackable: boolean;
  deliveryDiscount: number;
  lineDiscounts: ReadonlyMap<string, number>;
}

export interface Applicable {
  code: string;
  promo: CodedPromo;
  discount: number;
  deliveryDiscount: number;
  /** In the order of the lines. */
  lineDiscounts: number[];
}

export interface Inapplicable {
  code: string;
  reason: Reason;
  /** Minor units. */
  amounts: Record<string, number>;
}

export interface Judgement {
  applicable: Applicable[];
  inapplicable: Inapplicable[];
}

type Refusal = Omit<Inapplicable, 'code'>;
const refuse = (reason: Reason, amounts: Record<string, number> = {}): Refusal => ({ reason, amounts });

/** Which codes apply to the order, and what each takes off. Pure. Higher priority first; each takes from what those before left. */
export function judge(codes: readonly string[], promos: ReadonlyMap<string, CodedPromo>, order: Order, facts: Facts): Judgement {
  const judged: Judgement = { applicable: [], inapplicable: [] };
  const left = leftOf(order, facts.standing);
  const others: Pick<Standing, 'promoNo' | 'stackable'>[] = [...facts.standing];
  const byPriority = [...codes].sort((a, b) => (promos.get(b)?.priority ?? 0) - (promos.get(a)?.priority ?? 0));
  for (const code of byPriority) {
    const promo = promos.get(code);
    const refusal = promo === undefined ? refuse('not_found') : (refusalOf(promo, order, facts, others) ?? limitReached(promo, facts.customer));
    const outcome = refusal ?? price(promo!, order, left);
    if ('reason' in outcome) {
      judged.inapplicable.push({ code, ...outcome });
      continue;
    }
    judged.applicable.push({ code, promo: promo!, ...outcome });
    others.push(promo!);
    left.delivery -= outcome.deliveryDiscount;
    outcome.lineDiscounts.forEach((taken, line) => (left.lines[line]! -= taken));
  }
  return judged;
}

function refusalOf(promo: CodedPromo, order: Order, { at, timezone, currency, customer }: Facts, others: readonly Pick<Standing, 'promoNo' | 'stackable'>[]): Refusal | null {
  if (others.some(({ promoNo }) => promoNo === promo.promoNo)) return refuse('already_redeemed_for_order');
  if (promo.uniqueCodesOnly && promo.assigned === null) return refuse('unique_code_required');
  if (promo.assigned !== null && promo.assigned.customerNo !== customer?.customerNo) return refuse('code_not_yours');
  if (promo.assigned?.redeemed) return refuse('code_already_redeemed');
  if (promo.status !== 'active') return refuse('inactive');
  if (promo.validFrom !== null && at < promo.validFrom) return refuse('not_started');
  if (promo.validUntil !== null && at >= promo.validUntil) return refuse('expired');
  if (promo.schedule !== null && !isWithin(promo.schedule, at, timezone)) return refuse('outside_schedule');
  if (order.currency !== currency) return refuse('currency_mismatch');
  const { location_ids, channels } = promo.appliesTo;
  if (location_ids !== undefined && !location_ids.includes(order.locationId ?? '')) return refuse('location_not_eligible');
  if (channels !== undefined && !channels.includes(order.channel ?? '')) return refuse('channel_not_eligible');
  if (customer === null && (promo.segmentNo !== null || promo.firstOrderOnly || promo.perCustomerLimit !== null)) return refuse('customer_required');
  if (promo.segmentNo !== null && !customer!.segments.has(promo.segmentNo)) return refuse('customer_not_in_segment');
  if (promo.firstOrderOnly && customer!.ordered) return refuse('not_first_order');
  const shortfall = (promo.minOrderAmount ?? 0) - order.subtotal;
  if (shortfall > 0) return refuse('min_order_not_met', { shortfall });
  if (others.length > 0 && !(promo.stackable && others.every(({ stackable }) => stackable))) return refuse('not_combinable');
  return null;
}

/** Looked at before the work, to refuse early; what holds is checked again under the lock. */
function limitReached(promo: Promo, customer: CustomerFacts | null): Refusal | null {
  if (promo.usageLimit !== null && promo.uses >= promo.usageLimit) return refuse('usage_limit_reached');
  if (promo.perCustomerLimit !== null && (customer?.uses.get(promo.promoNo) ?? 0) >= promo.perCustomerLimit) return refuse('customer_limit_reached');
  return null;
}

/** Which limit of the promo as a whole is broken by what was used up, the redemption at hand included. */
export function brokenLimit(promo: Promo, used: { uses: number; discounted: number }): Reason | null {
  if (promo.usageLimit !== null && used.uses > promo.usageLimit) return 'usage_limit_reached';
  if (promo.budget !== null && used.discounted > promo.budget) return 'budget_exhausted';
  return null;
}

function price(promo: Promo, order: Order, left: { lines: number[]; delivery: number }): Refusal | Omit<Applicable, 'code' | 'promo'> {
  const priced = promo.type === 'free_delivery' ? offDelivery(promo, left) : offLines(promo, order, left);
  if ('reason' in priced) return priced;
  if (priced.discount === 0) return refuse('zero_discount');
  const broken = brokenLimit(promo, { uses: promo.uses, discounted: promo.discounted + priced.discount });
  return broken === null ? priced : refuse(broken);
}

function offDelivery(promo: Promo, left: { lines: number[]; delivery: number }) {
  const { total } = discountOf({ amount: left.delivery }, [left.delivery], promo.maxDiscount);
  return { discount: total, deliveryDiscount: total, lineDiscounts: left.lines.map(() => 0) };
}

function offLines(promo: Promo, order: Order, left: { lines: number[] }) {
  const eligible = order.lines.map((line) => isEligible(line, promo.appliesTo));
  if (!eligible.includes(true)) return refuse('no_eligible_items');
  const offer: Offer = promo.type === 'percentage' ? { basisPoints: promo.value! } : { amount: promo.value! };
  const { total, lines }: Discount = discountOf(offer, left.lines.map((base, line) => (eligible[line] ? base : 0)), promo.maxDiscount);
  return { discount: total, deliveryDiscount: 0, lineDiscounts: lines };
}

function isEligible(line: Line, { item_ids, category_ids, exclude_item_ids }: AppliesTo): boolean {
  if (line.productId !== null && exclude_item_ids?.includes(line.productId)) return false;
  if (item_ids === undefined && category_ids === undefined) return true;
  return (line.productId !== null && item_ids?.includes(line.productId)) || line.categoryIds.some((id) => category_ids?.includes(id));
}

/** What earlier redemptions on the order have left to be discounted. */
function leftOf(order: Order, standing: readonly Standing[]): { lines: number[]; delivery: number } {
  const taken = (id: string): number => standing.reduce((sum, { lineDiscounts }) => sum + (lineDiscounts.get(id) ?? 0), 0);
  return {
    lines: order.lines.map(({ id, amount }) => Math.max(0, amount - taken(id))),
    delivery: Math.max(0, order.deliveryFee - standing.reduce((sum, { deliveryDiscount }) => sum + deliveryDiscount, 0)),
  };
}

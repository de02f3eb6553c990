/**
 * What an offer takes off an order. Pure; every amount is a whole, non-negative number of minor units.
 * Eligible base → percentage → rounded half up once → max_discount → not above the base → largest remainder to the lines.
 */

/** A percentage in basis points (2,050 = 20.5 %), or an amount. Free delivery is an amount as large as the fee. */
export type Offer = { basisPoints: number } | { amount: number };

export interface Discount {
  total: number;
  /** In the order of the lines; sums to `total`, each within its line. */
  lines: number[];
}

/**
 * @param bases what each line has left to be discounted, 0 where it is not eligible
 * @param cap `max_discount`
 */
export function discountOf(offer: Offer, bases: readonly number[], cap: number | null): Discount {
  const base = bases.reduce((sum, one) => sum + one, 0);
  const wanted = 'amount' in offer ? offer.amount : share(base, offer.basisPoints);
  const total = Math.min(wanted, cap ?? wanted, base);
  return { total, lines: allocate(total, bases) };
}

/** `base × basisPoints ÷ 10,000`, halves up. In BigInt: the product leaves the integers that a double can name. */
const share = (base: number, basisPoints: number): number => Number((BigInt(base) * BigInt(basisPoints) + 5_000n) / 10_000n);

/**
 * Splits `total` in proportion to `weights` by largest remainder (Hamilton's method), ties to the earlier line. No part exceeds its weight as
 * long as `total` does not exceed their sum: only parts that were rounded down get one more.
 */
export function allocate(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, one) => all + one, 0);
  if (sum === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => BigInt(total) * BigInt(weight));
  const parts = exact.map((one) => Number(one / BigInt(sum)));
  const remainders = exact.map((one, line) => ({ line, rest: one % BigInt(sum) }));
  remainders.sort((a, b) => (a.rest === b.rest ? a.line - b.line : a.rest < b.rest ? 1 : -1));
  const missing = total - parts.reduce((all, one) => all + one, 0);
  for (const { line } of remainders.slice(0, missing)) parts[line]! += 1;
  return parts;
}

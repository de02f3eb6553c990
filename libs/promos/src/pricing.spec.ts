import fc from 'fast-check';
import { allocate, discountOf, type Offer } from './pricing.js';

const money = fc.integer({ min: 0, max: 10_000_000 });
const bases = fc.array(money, { maxLength: 20 });
const offer: fc.Arbitrary<Offer> = fc.oneof(fc.record({ basisPoints: fc.integer({ min: 1, max: 10_000 }) }), fc.record({ amount: money }));
const cap = fc.option(fc.integer({ min: 1, max: 5_000_000 }));
const sum = (parts: readonly number[]): number => parts.reduce((all, one) => all + one, 0);

describe('what an offer takes off', () => {
  test('20 % of 24.90 with a cap of 4.00 is 4.00', () => {
    expect(discountOf({ basisPoints: 2000 }, [2490], 400).total).toBe(400);
  });

  test('a half is rounded up, once, on the order and not on each line', () => {
    expect(discountOf({ basisPoints: 5000 }, [1], null).total).toBe(1);
    expect(discountOf({ basisPoints: 1000 }, [5, 5, 5], null)).toEqual({ total: 2, lines: [1, 1, 0] });
  });

  test('no rounding error far beyond 2^53 in the product', () => {
    expect(discountOf({ basisPoints: 3333 }, [9_007_199_254_740_990], null).total).toBe(3_002_099_511_605_172);
  });

  test('the lines sum to the total, none is negative, none exceeds its base', () => {
    fc.assert(
      fc.property(offer, bases, cap, (given, lines, most) => {
        const { total, lines: parts } = discountOf(given, lines, most);
        expect(sum(parts)).toBe(total);
        expect(total).toBeLessThanOrEqual(Math.min(sum(lines), most ?? Infinity));
        parts.forEach((part, line) => {
          expect(Number.isInteger(part)).toBe(true);
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(lines[line]!);
        });
      }),
    );
  });

  test('more to pay never means less off; more percent neither', () => {
    fc.assert(
      fc.property(offer, bases, cap, money, (given, lines, most, more) => {
        expect(discountOf(given, [...lines, more], most).total).toBeGreaterThanOrEqual(discountOf(given, lines, most).total);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_999 }), bases, cap, (basisPoints, lines, most) => {
        const less = discountOf({ basisPoints }, lines, most).total;
        expect(discountOf({ basisPoints: basisPoints + 1 }, lines, most).total).toBeGreaterThanOrEqual(less);
      }),
    );
  });

  test('a line gets its exact share, rounded to a neighbour', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), (weights, part) => {
        const total = Math.floor(sum(weights) * part);
        allocate(total, weights).forEach((got, line) => expect(Math.abs(got - (total * weights[line]!) / sum(weights))).toBeLessThan(1));
      }),
    );
  });
});

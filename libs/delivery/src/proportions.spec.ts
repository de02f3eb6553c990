import fc from 'fast-check';
import { differ, difference, type Interval, isAhead, leaderOf, rateOf, type Share, wilson } from './proportions.js';

const share: fc.Arbitrary<Share> = fc.integer({ min: 0, max: 5_000 }).chain((of) => fc.record({ of: fc.constant(of), hits: fc.integer({ min: 0, max: of }) }));

const ends = ({ low, high }: Interval): number[] => [low, high].map((end) => Number(end.toFixed(4)));

/** Both ends of Wilson's interval are where the score test is just not sure: |p̂ − p| = z √(p(1 − p) ÷ n). */
const score = ({ of, hits }: Share, p: number): number => Math.abs(hits / of - p) / Math.sqrt((p * (1 - p)) / of);

test('Wilson: the examples of Newcombe 1998 (Statistics in Medicine 17:857), and the ends solve the score test', () => {
  const rounded = (one: Share) => ends(wilson(one));
  expect([rounded({ of: 263, hits: 81 }), rounded({ of: 148, hits: 15 }), rounded({ of: 20, hits: 0 }), rounded({ of: 29, hits: 1 })]).toEqual([
    [0.2553, 0.3662], [0.0624, 0.1605], [0, 0.1611], [0.0061, 0.1718],
  ]);
  fc.assert(
    fc.property(share.filter(({ of }) => of > 0), (one) => {
      const { low, high } = wilson(one);
      expect(low).toBeLessThanOrEqual(rateOf(one));
      expect(high).toBeGreaterThanOrEqual(rateOf(one));
      if (one.hits > 0) expect(score(one, low)).toBeCloseTo(1.959964, 4);
      if (one.hits < one.of) expect(score(one, high)).toBeCloseTo(1.959964, 4);
    }),
    { seed: 1927 },
  );
});

test('Wilson covers the true rate about 95 times in a hundred, whatever it is', () => {
  for (const [of, p] of [[10, 0.02], [50, 0.1], [200, 0.5], [1_000, 0.003], [30, 0.9]] as const) {
    let [covered, chance] = [0, (1 - p) ** of]; // exact: the binomial probabilities of all outcomes
    for (let hits = 0; hits <= of; hits++) {
      const { low, high } = wilson({ of, hits });
      if (low <= p && p <= high) covered += chance;
      chance *= ((of - hits) / (hits + 1)) * (p / (1 - p));
    }
    expect(covered).toBeGreaterThan(0.91);
  }
});

test('Newcombe: his own examples, and turned round it is turned round', () => {
  const rounded = (a: Share, b: Share) => ends(difference(a, b));
  expect(rounded({ of: 70, hits: 56 }, { of: 80, hits: 48 })).toEqual([0.0524, 0.3339]);
  expect(rounded({ of: 10, hits: 9 }, { of: 10, hits: 3 })).toEqual([0.1705, 0.809]);
  expect(rounded({ of: 10, hits: 10 }, { of: 10, hits: 0 })).toEqual([0.6075, 1]);
  fc.assert(
    fc.property(share, share, (a, b) => {
      const [there, back] = [difference(a, b), difference(b, a)];
      expect(there.low).toBeCloseTo(-back.high, 12);
      expect(there.low).toBeLessThanOrEqual(rateOf(a) - rateOf(b));
      expect(there.high).toBeGreaterThanOrEqual(rateOf(a) - rateOf(b));
    }),
    { seed: 1998 },
  );
});

test('a difference is told only where there is enough of it', () => {
  expect(differ({ of: 3, hits: 3 }, { of: 3, hits: 0 })).toBe(false); // the intervals part, of three
  expect(differ({ of: 1_000, hits: 100 }, { of: 1_000, hits: 110 })).toBe(false);
  expect(differ({ of: 1_000, hits: 100 }, { of: 1_000, hits: 150 })).toBe(true);
  expect(differ({ of: 100_000, hits: 0 }, { of: 100_000, hits: 0 })).toBe(false);
  expect(differ({ of: 0, hits: 0 }, { of: 100, hits: 50 })).toBe(false);
});

test('the leader has the highest rate, the first of several, and is ahead of all others or of none', () => {
  const [a, b, c] = [{ id: 'a', of: 1_000, hits: 100 }, { id: 'b', of: 2_000, hits: 200 }, { id: 'c', of: 1_000, hits: 40 }];
  expect(leaderOf([c, b, a]).id).toBe('b');
  expect(isAhead(a, [a, b, c])).toBe(false);
  expect(isAhead(a, [a, c])).toBe(true);
  expect(isAhead({ ...a, hits: 69 }, [{ ...a, hits: 69 }, c])).toBe(false); // it is not its own rival
  // 0.045 ≤ p < 0.05: enough for one comparison, not for one of nine
  const [lead, near] = [{ of: 1_000, hits: 127 }, { of: 1_000, hits: 100 }];
  expect(differ({ of: 1_000, hits: 130 }, near)).toBe(true);
  expect(differ({ of: 1_000, hits: 130 }, near, 9)).toBe(false);
  expect(differ(lead, near)).toBe(false);
});

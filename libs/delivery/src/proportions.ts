/** What shares of few tell of the shares of many. Pure. */

/** So many of so many. */
export interface Share {
  of: number;
  hits: number;
}

export interface Interval {
  low: number;
  high: number;
}

/** Of the normal distribution: 95 % lie within. */
const Z95 = 1.959964;

/** The same where so many comparisons are made at once that one in twenty would be wrong by chance (Bonferroni): at 1 − 0.05 ÷ n. */
const Z_OF = [Z95, Z95, 2.241403, 2.39398, 2.497705, 2.575829, 2.638257, 2.690110, 2.734369, 2.772921];

/** Hits that must be expected of each side, and misses, before a comparison says anything (Cochran, Biometrics 10:417, 1954). */
const EXPECTED = 5;

export const rateOf = ({ of, hits }: Share): number => (of === 0 ? 0 : hits / of);

/**
 * Where the true rate lies, with 95 % confidence: the score interval of Wilson (J. Am. Stat. Assoc. 22:209, 1927), which holds what it
 * promises for few and for rare as well (Brown, Cai, DasGupta, Statistical Science 16:101, 2001). Nothing seen, anything may be.
 */
export function wilson({ of, hits }: Share, z = Z95): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const rate = hits / of;
  const scale = 1 + (z * z) / of;
  const middle = (rate + (z * z) / (2 * of)) / scale;
  const half = (z / scale) * Math.sqrt((rate * (1 - rate)) / of + (z * z) / (4 * of * of));
  return { low: hits === 0 ? 0 : Math.max(0, middle - half), high: hits === of ? 1 : Math.min(1, middle + half) };
}

/** Where the difference `a − b` of the true rates lies: made of both Wilson intervals (Newcombe, Statistics in Medicine 17:873, 1998, method 10). */
export function difference(a: Share, b: Share, z = Z95): Interval {
  const [pa, pb] = [rateOf(a), rateOf(b)];
  const [ia, ib] = [wilson(a, z), wilson(b, z)];
  return { low: pa - pb - Math.hypot(pa - ia.low, ib.high - pb), high: pa - pb + Math.hypot(ia.high - pa, pb - ib.low) };
}

/** Whether there are enough for a difference to be more than chance: were both alike, so many of each would still hit and miss. */
export function isEnough(a: Share, b: Share): boolean {
  const rate = (a.hits + b.hits) / (a.of + b.of);
  return [a, b].every(({ of }) => of * rate >= EXPECTED && of * (1 - rate) >= EXPECTED);
}

/** Whether the two rates differ by more than chance makes, among so many comparisons made at once. */
export function differ(a: Share, b: Share, comparisons = 1): boolean {
  if (!isEnough(a, b)) return false;
  const { low, high } = difference(a, b, Z_OF[comparisons] ?? Z_OF.at(-1));
  return low > 0 || high < 0;
}

/** Which has the highest rate; of several with the same, the first. Compared as fractions: quotients may be rounded apart. */
export const leaderOf = <Named extends Share>(shares: readonly Named[]): Named => shares.reduce((best, one) => (beats(one, best) ? one : best));

export const beats = (a: Share, b: Share): boolean => BigInt(a.hits) * BigInt(Math.max(b.of, 1)) > BigInt(b.hits) * BigInt(Math.max(a.of, 1));

/** Whether the leader leads all others by more than chance. */
export const isAhead = <Named extends Share>(leader: Named, shares: readonly Named[]): boolean => {
  const others = shares.filter((one) => one !== leader);
  return others.every((other) => beats(leader, other) && differ(leader, other, others.length));
};

import fc from 'fast-check';
import { type Click, HONEYPOT, scans } from './scanner.js';

const click = (ms: number, link_no: number): Click => ({ at: new Date(ms), link_no });
const isIn = (clicks: readonly Click[], ms: number): boolean => scans(clicks).some(({ from, until }) => from.getTime() <= ms && ms <= until.getTime());

test('three links of a message within two seconds are a scanner’s; two, or three that take longer, are not', () => {
  expect(scans([click(0, 0), click(1_000, 1), click(2_000, 2)])).toEqual([{ from: new Date(-2_000), until: new Date(4_000) }]);
  expect(scans([click(0, 0), click(1_000, 1), click(2_001, 2)])).toEqual([]);
  expect(scans([click(0, 0), click(1, 1), click(2, 0), click(3, 1)])).toEqual([]);
});

test('the link that nobody sees is a scanner’s, and what is near it', () => {
  const clicks = [click(0, 0), click(9_000, HONEYPOT), click(30_000, 1)];
  expect(clicks.map(({ at }) => isIn(clicks, at.getTime()))).toEqual([true, true, false]);
});

const clicks = fc.array(fc.record({ at: fc.integer({ min: 0, max: 20_000 }).map((ms) => new Date(ms)), link_no: fc.constantFrom(0, 1, 2, 3, HONEYPOT) }), { maxLength: 12 });

test('it is the same in any order, as by hand, and more clicks make no person of a scanner', () => {
  fc.assert(
    fc.property(clicks, fc.integer({ min: 0, max: 20_000 }), (all, ms) => {
      expect(isIn(all.toReversed(), ms)).toBe(isIn(all, ms));
      const burst = (from: Click, last: Click) => from.at <= last.at && +last.at - +from.at <= 2_000 && new Set(all.filter(({ at }) => from.at <= at && at <= last.at).map(({ link_no }) => link_no)).size >= 3;
      const byHand = all.some((one) => (one.link_no === HONEYPOT && Math.abs(+one.at - ms) <= 10_000) || all.some((last) => burst(one, last) && +one.at - 2_000 <= ms && ms <= +last.at + 2_000));
      if (isIn(all, ms)) expect(byHand).toBe(true);
      for (const { at } of all) if (all.some((one) => all.some((last) => burst(one, last) && one.at <= at && at <= last.at))) expect(isIn(all, +at)).toBe(true);
      if (isIn(all.slice(1), ms)) expect(isIn(all, ms)).toBe(true);
    }),
  );
});

import fc from 'fast-check';
import { pauseAfter } from './schedule.js';

const DAY = 86_400_000;
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the schedule of attempts', () => {
  test('ends after three to four days, whatever chance says', () => {
    fc.assert(
      fc.property(fc.array(share, { minLength: 20, maxLength: 20 }), (chances) => {
        let [all, tries] = [0, 1];
        for (let pause = pauseAfter(1, 0, () => chances[0]!); pause !== null; tries += 1, pause = pauseAfter(tries, 0, () => chances[tries]!)) all += pause;
        void expect(tries).toBe(10);
        void expect(all).toBeGreaterThan(2.8 * DAY);
        void expect(all).toBeLessThan(3.5 * DAY);
      }),
    );
  });

  test('never comes before the receiver wants it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 2 * DAY }), share, (tries, asked, chance) => {
        void expect(pauseAfter(tries, asked, () => chance)).toBe(Math.max(asked, pauseAfter(tries, 0, () => chance)!));
      }),
    );
  });
});

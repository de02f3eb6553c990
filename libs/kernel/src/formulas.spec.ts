import fc from 'fast-check';
import { defused, undefused } from './formulas.js';

test('what was defused begins no formula, and comes back as it was', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: fc.constantFrom(...`'=+-@\t\r＝＋－＠ a`) }), fc.string()), (text) => {
      expect(defused(text)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
      expect(undefused(defused(text))).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test.each([['O’Brien'], ["'t Hart"], ["d'=1"], ['1-2'], ['']])('%j stands as it is', (text) => expect([defused(text), undefused(text)]).toEqual([text, text]));

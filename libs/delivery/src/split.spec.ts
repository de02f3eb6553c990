import { placeOf } from './split.js';

const customers = Array.from({ length: 20_000 }, (_, n) => n + 1);
const among = (below: number, of: (customerNo: number) => number) => customers.filter((no) => of(no) < below);

test('a draw is even, and the same each time', () => {
  const held = among(0.1, (no) => placeOf('holdout', 'camp_1', no));
  expect(Math.abs(held.length - 2_000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.1 * 0.9)); // four standard deviations
  expect(among(0.1, (no) => placeOf('holdout', 'camp_1', no))).toEqual(held);
});

test('one draw says nothing of another campaign’s, nor of one for another purpose', () => {
  const held = new Set(among(0.1, (no) => placeOf('holdout', 'camp_1', no)));
  for (const other of [(no: number) => placeOf('holdout', 'camp_2', no), (no: number) => placeOf('variant', 'camp_1', no)]) {
    const both = among(0.1, other).filter((no) => held.has(no)).length;
    expect(Math.abs(both - 200)).toBeLessThan(4 * Math.sqrt(200));
  }
});

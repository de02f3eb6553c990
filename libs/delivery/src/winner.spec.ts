import { type Standing, standingsOf, winnerOf } from './winner.js';

const standings = (...shares: [of: number, hits: number][]): Standing[] => shares.map(([of, hits], at) => ({ variant: 'abc'[at]!, of, hits }));

test.each([
  [standings([100, 10], [100, 12], [100, 11]), { winner: 'b', reason: 'best' }],
  [standings([10, 3], [100, 12]), { winner: 'a', reason: 'best' }],
  [standings([100, 1], [300, 10], [30, 1]), { winner: 'b', reason: 'tie' }],
  [standings([100, 0], [100, 0]), { winner: 'a', reason: 'not_enough_data' }],
  [standings([0, 0], [0, 0]), { winner: 'a', reason: 'not_enough_data' }],
  [standings([0, 0], [100, 1]), { winner: 'b', reason: 'best' }],
])('%j: %j', (given, expected) => {
  expect(winnerOf(given)).toEqual(expected);
});

test('a variant that nobody of the sample drew is there with nothing', () => {
  const variants = ['a', 'b'].map((id) => ({ id, weight: 1, content: {} }));
  expect(standingsOf(variants, [{ variant: 'b', of: 5, hits: 1 }])).toEqual([{ variant: 'a', of: 0, hits: 0 }, { variant: 'b', of: 5, hits: 1 }]);
});

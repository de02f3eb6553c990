import { percentage } from './money.js';

describe('percentage', () => {
  test.each([
    [6500, 10_000, 65],
    [980, 10_000, 9.8],
    [1, 3, 33.3],
    [201, 400, 50.3], // 50.25 exactly: a half goes up, though 201 / 400 is a double below it
    [0, 0, 0],
  ])('%d of %d is %d', (part, whole, shown) => {
    expect(percentage(part, whole)).toBe(shown);
  });
});

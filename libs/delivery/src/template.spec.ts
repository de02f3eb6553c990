import { compile, inTime, isOverLimit, render } from './template.js';

/** Runs with a clock that leaps ahead at some of the looks at it. */
function withClock<T>(leaps: (look: number) => boolean, run: () => T): T {
  const { now } = performance;
  let [look, ahead] = [0, 0];
  performance.now = () => {
    if (leaps(++look)) ahead += 1_000;
    return now.call(performance) + ahead;
  };
  try {
    return run();
  } finally {
    performance.now = now;
  }
}

describe('what a template may take', () => {
  const greeting = compile('Hello {{ name }}{{ name }}{{ name }}');
  const write = (): string => render(greeting, { name: 'Ada' });

  test('is not used up by a machine that stands still', () => {
    expect(() => withClock((look) => look === 4, write)).toThrow(/limit exceeded/);
    expect(withClock((look) => look === 4, () => inTime(write))).toBe('Hello AdaAdaAda');
  });

  test('is its own when it takes too long again', () => {
    let tries = 0;
    const slow = (): string => {
      tries += 1;
      return write();
    };
    let thrown: unknown;
    try {
      withClock(() => true, () => inTime(slow));
    } catch (error) {
      thrown = error;
    }
    expect(isOverLimit(thrown)).toBe(true);
    expect(tries).toBe(2);
  });
});

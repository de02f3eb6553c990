import { vi } from 'vitest';

/** Has the machine stand still for a second, once, in the middle of the next template that is rendered. @returns whether it has */
export function stallOnce(): () => boolean {
  const now = performance.now.bind(performance);
  let stood = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    const { stack = '' } = new Error();
    if (stood === 0 && stack.includes('liquidjs') && !stack.includes('new Context')) stood = 1_000;
    return now() + stood;
  });
  return () => {
    clock.mockRestore();
    return stood > 0;
  };
}

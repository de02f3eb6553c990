import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until `check` stops throwing, for what other processes bring about; throws its last error after the deadline. */
export async function eventually<T>(check: () => T | Promise<T>, { within = 25_000 }: { within?: number } = {}): Promise<T> {
  for (const deadline = Date.now() + within; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

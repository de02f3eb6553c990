import { setTimeout as sleep } from 'node:timers/promises';

/** Looks until it is so; a look that fails, such as at a database that restarts, is one that found nothing. @throws when it takes longer than that */
export async function patiently(what: string, seconds: number, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(20)) {
    if (await Promise.resolve().then(isSo).catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
  }
}

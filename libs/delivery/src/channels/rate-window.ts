/** Messages that left together: how many, and when, in milliseconds. */
export type Grant = readonly [at: number, messages: number];

const SECOND = 1_000;

/**
 * How many messages may leave now, so that no second, wherever it begins, has more than `perSecond`: a token bucket whose tokens come back
 * one second after they were taken. A bucket that refills evenly lets twice as many pass in the second after a pause.
 *
 * @param grants oldest first
 */
export function takeFrom(grants: readonly Grant[], perSecond: number, now: number, wanted: number): { granted: number; grants: Grant[] } {
  const recent = grants.filter(([at]) => at > now - SECOND);
  const granted = Math.max(0, Math.min(wanted, perSecond - recent.reduce((sum, [, messages]) => sum + messages, 0)));
  return { granted, grants: granted === 0 ? recent : [...recent, [Math.max(now, recent.at(-1)?.[0] ?? now), granted]] };
}

/** Milliseconds until the first tokens come back; 0 when there are some. */
export function waitFor(grants: readonly Grant[], perSecond: number, now: number): number {
  if (takeFrom(grants, perSecond, now, 1).granted > 0) return 0;
  return Math.max(1, Math.min(SECOND, grants.find(([at]) => at > now - SECOND)![0] + SECOND - now));
}

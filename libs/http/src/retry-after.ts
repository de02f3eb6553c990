const DAY_MS = 86_400_000;

/** Retry-After (RFC 9110 §10.2.3), seconds or a date, as milliseconds from now; 0 if missing or invalid, and a day at most. */
export function retryAfter(value: string | null, now: Date): number {
  const pause = /^\d+$/.test(value ?? '') ? Number(value) * 1000 : Date.parse(value ?? '') - now.getTime();
  return pause > 0 ? Math.min(pause, DAY_MS) : 0;
}

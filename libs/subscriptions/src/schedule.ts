const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/** From one failed attempt to the next; all together three days and some hours (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). */
const PAUSES = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/** A tenth more or less, so that messages that failed together are not retried together. */
const JITTER = 0.1;

/**
 * @param tries how often the message was sent, including this time
 * @param asked the receiver's own Retry-After, in milliseconds
 * @returns milliseconds until it is sent again; null to give up
 */
export function pauseAfter(tries: number, asked: number, random = Math.random): number | null {
  const pause = PAUSES[tries - 1];
  return pause === undefined ? null : Math.round(Math.max(asked, pause * (1 - JITTER + 2 * JITTER * random())));
}

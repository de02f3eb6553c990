import type { Outcome } from './channel.js';

/** The first pause, and the longest, in milliseconds; each is twice as long as the one before. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The retry budget: so many calls come to nothing for each that counts (https://sre.google/sre-book/handling-overload/), and so many at once. */
const RETRIES_PER_CALL = 0.1;
const MOST_RETRIES = 20;

/**
 * Keeps calls away from a provider that takes none: closed, then open for a time that doubles, then one message as a trial, which closes the circuit
 * or opens it again (https://martinfowler.com/bliki/CircuitBreaker.html). What the provider says about a single message does not matter here.
 * It opens when all calls of a batch fail, or more calls of several batches than the retry budget allows.
 */
export class Circuit {
  private failures = 0;
  private openUntil = 0;
  private budget = MOST_RETRIES;

  /** How many of `wanted` messages may go at the instant, in milliseconds. */
  allows(now: number, wanted: number): number {
    if (this.failures === 0) return wanted;
    return now < this.openUntil ? 0 : Math.min(wanted, 1);
  }

  /** When a message may be tried again, in milliseconds; 0 where nothing stands in the way. */
  get opensAt(): number {
    return this.failures === 0 ? 0 : this.openUntil;
  }

  /** Takes note of a batch's outcomes. */
  heard(now: number, all: readonly Outcome[]): void {
    const outcomes = all.filter(({ status }) => status !== 'uncalled');
    if (outcomes.length === 0) return;
    const lost = outcomes.filter(cameToNothing).length;
    this.budget = Math.min(MOST_RETRIES, this.budget - lost + RETRIES_PER_CALL * (outcomes.length - lost));
    if (lost < outcomes.length && this.budget >= 0) {
      this.failures = 0;
      return;
    }
    this.failures = lost < outcomes.length ? 1 : this.failures + 1;
    this.budget = Math.max(this.budget, 0);
    const asked = Math.max(0, ...outcomes.map((outcome) => (outcome.status === 'retry' ? (outcome.pauseMs ?? 0) : 0)));
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.failures - 1));
    // Half of it is jitter: workers that found the provider gone together do not come back together.
    this.openUntil = now + Math.max(asked, pause * (0.5 + Math.random() / 2));
  }
}

/** Failures that are not about the message: the provider could not be reached, said "later", or its answer is unknown. */
const cameToNothing = (outcome: Outcome): boolean => outcome.status === 'unknown' || (outcome.status === 'retry' && (!outcome.reached || outcome.pauseMs !== undefined));

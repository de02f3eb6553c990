import { type Fault } from '#kernel';
import { MOST_FAULTS } from '#http';
import { ALL_VALUES, LIMITS, SLOW_VALUE } from './criteria.limits.js';

/** Thrown when further reading would only find faults that are not reported. */
class Enough extends Error {}

/**
 * The faults of criteria, collected while they are read. Reading ends at the last fault that is reported, and at the first condition beyond
 * the limit: a request with thousands of either must not hold up everyone else.
 */
export class Findings {
  readonly faults: Fault[] = [];
  /** Whether everything was read. */
  whole = true;
  private conditions = 0;
  private events = 0;
  private values = 0;

  /** @param pointer where the criteria stand */
  constructor(private readonly pointer: string) {}

  /** The result of `read`; null when there are faults. */
  of<T>(read: () => T): T | null {
    try {
      const value = read();
      if (this.faults.length === 0) return value;
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      this.whole = false;
    }
    return null;
  }

  fault<T = null>(pointer: string, code: string, detail: string, instead: T = null as T): T {
    this.faults.push({ pointer, code, detail });
    if (this.faults.length >= MOST_FAULTS) throw new Enough();
    return instead;
  }

  condition(): void {
    if (++this.conditions > LIMITS.leaves) this.stop('too_many_conditions', `Criteria may have ${LIMITS.leaves} conditions.`);
  }

  /** An event condition, which is one condition, too. */
  eventCondition(): void {
    this.condition();
    if (++this.events > LIMITS.events) this.stop('too_many_events', `Criteria may have ${LIMITS.events} event conditions.`);
  }

  /** Counts a list of `length` values. */
  list(length: number, { slow }: { slow: boolean }): void {
    this.values += length * (slow ? SLOW_VALUE : 1);
    if (this.values > ALL_VALUES) this.stop('too_many_values', `All lists together may hold ${ALL_VALUES} values; an email address or a phone number counts as ${SLOW_VALUE}.`);
  }

  /** A fault of the criteria as a whole, which ends the reading. */
  stop(code: string, detail: string): never {
    this.fault(this.pointer, code, detail);
    throw new Enough();
  }
}

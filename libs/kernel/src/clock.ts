/** The one source of "now", so that a test can move time. Never call `Date.now()` in a domain. */
export abstract class Clock {
  abstract now(): Date;
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

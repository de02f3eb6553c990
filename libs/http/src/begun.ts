/**
 * What the transaction of an idempotent route returns when the effect is a call to somebody else's server, made after the transaction and not
 * undone with it. Under an Idempotency-Key it is kept in place of the answer until there is one, so a repeat never makes the call again.
 */
export class Begun<Work> {
  /**
   * @param work what to do after the transaction
   * @param untold the answer to a repeat if nobody learns how the work ended
   */
  constructor(
    readonly work: Work,
    readonly untold: unknown,
  ) {}
}

/**
 * What a transaction of an idempotent route returns where the effect is a call of somebody else's server, which comes after it and is told
 * by no transaction. Under an Idempotency-Key it stands in the answer's place until that is there: a repeat never makes the call again.
 */
export class Begun<Work> {
  /**
   * @param work what is to be done now
   * @param untold the answer where nobody hears how that ended
   */
  constructor(
    readonly work: Work,
    readonly untold: unknown,
  ) {}
}

import type { EntityManager } from 'typeorm';
import { RequestError } from '#kernel';

/** A transaction whose statements share one bound of time. */
export class BoundedReads {
  private readonly until: number;

  /** @param tooLong what the caller is told when it has taken too long */
  constructor(
    readonly tx: EntityManager,
    longestMs: number,
    private readonly tooLong: string,
  ) {
    this.until = performance.now() + longestMs;
  }

  /** @throws RequestError unavailable when it has taken too long */
  async query<Rows>(sql: string, values: unknown[] = []): Promise<Rows> {
    const left = Math.floor(this.until - performance.now());
    if (left <= 0) throw new RequestError('unavailable', { detail: this.tooLong, retryAfter: 30 });
    await this.tx.query(`SELECT set_config('statement_timeout', $1, true)`, [String(left)]);
    return this.tx.query<Rows>(sql, values);
  }
}

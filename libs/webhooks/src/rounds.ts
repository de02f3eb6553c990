import { isUnreachable } from '#database';
import { RequestError, type Tenant } from '#kernel';

/** One caller's work, and how to report its result. */
interface Waiting<Work, Result> {
  work: Work;
  bytes: number;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** The limits of one round; a single work larger than that runs alone. */
const ROUND_BYTES = 8 * 1024 * 1024;
const ROUND_SIZE = 200;

/** How much may wait in this process before callers are refused: memory stays bounded however slow the database is. */
const WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Does the work of a tenant's concurrent callers in rounds: callers that arrive during a round wait, and all go together in the next.
 * There is no timer: a single caller runs at once, and a burst shares round trips and commits. No round serves a caller
 * that arrived after it began, so a read in rounds is as fresh as a separate read.
 */
export class Rounds<Work, Result> {
  private readonly queues = new Map<number, Waiting<Work, Result>[]>();
  private waitingBytes = 0;

  /**
   * @param round does all the work in one transaction, or throws having done none; returns the results in the order of the works
   */
  constructor(private readonly round: (tenant: Tenant, works: Work[]) => Promise<Result[]>) {}

  /**
   * @param bytes what the work holds in memory
   * @throws RequestError unavailable when too much waits already
   */
  async run(tenant: Tenant, work: Work, bytes = 0): Promise<Result> {
    if (this.waitingBytes + bytes > WAITING_BYTES) throw new RequestError('unavailable', { retryAfter: 1 });
    this.waitingBytes += bytes;
    return new Promise<Result>((resolve, reject) => {
      const waiting = { work, bytes, resolve, reject };
      const queue = this.queues.get(tenant.id);
      if (queue !== undefined) return void queue.push(waiting);
      this.queues.set(tenant.id, [waiting]);
      void this.drain(tenant);
    }).finally(() => (this.waitingBytes -= bytes));
  }

  private async drain(tenant: Tenant): Promise<void> {
    const queue = this.queues.get(tenant.id)!;
    while (queue.length > 0) await this.settle(tenant, queue.splice(0, roundSize(queue)));
    this.queues.delete(tenant.id);
  }

  /** If a round fails, each work is tried alone, so that one bad work does not fail the others. If the database is unreachable, all fail at once. */
  private async settle(tenant: Tenant, waiting: Waiting<Work, Result>[]): Promise<void> {
    try {
      const results = await this.round(tenant, waiting.map((one) => one.work));
      waiting.forEach((one, index) => one.resolve(results[index]!));
    } catch (error) {
      if (waiting.length === 1 || isUnreachable(error)) return waiting.forEach((one) => one.reject(error));
      for (const one of waiting) await this.settle(tenant, [one]);
    }
  }
}

function roundSize(queue: readonly { bytes: number }[]): number {
  let bytes = 0;
  const full = queue.findIndex((one) => (bytes += one.bytes) > ROUND_BYTES);
  return Math.max(1, Math.min(full === -1 ? queue.length : full, ROUND_SIZE));
}

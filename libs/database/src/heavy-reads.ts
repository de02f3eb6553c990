import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { RequestError, type Tenant } from '#kernel';

/** Reads of one tenant that run at once. */
const AT_ONCE = 2;
/** Requests of one tenant that may wait; further ones are refused. Other tenants are not affected. */
const LONGEST_QUEUE = 100;

interface Waiting {
  tenantId: number;
  begin(): void;
}

/**
 * Queues reads of many rows: a few run at once, so that connections remain for everything else, and at most two of one tenant,
 * so that no tenant takes them all. Those that wait hold no connection.
 */
@Injectable()
export class HeavyReads {
  private readonly most: number;
  private readonly waiting: Waiting[] = [];
  private readonly running = new Map<number, number>();

  constructor(env: Env) {
    this.most = Math.max(1, Math.floor(env.DATABASE_POOL / 2));
  }

  /** @throws RequestError unavailable when too many of the tenant's requests wait already */
  async run<T>(tenant: Tenant, work: () => Promise<T>): Promise<T> {
    if (this.waiting.filter(({ tenantId }) => tenantId === tenant.id).length >= LONGEST_QUEUE) throw new RequestError('unavailable', { detail: 'Too many such requests wait already.', retryAfter: 5 });
    await new Promise<void>((begin) => {
      this.waiting.push({ tenantId: tenant.id, begin });
      this.next();
    });
    try {
      return await work();
    } finally {
      this.count(tenant.id, -1);
      this.next();
    }
  }

  /** Starts the one that has waited longest, among tenants that may run another. */
  private next(): void {
    const all = [...this.running.values()].reduce((sum, one) => sum + one, 0);
    const at = all >= this.most ? -1 : this.waiting.findIndex(({ tenantId }) => (this.running.get(tenantId) ?? 0) < AT_ONCE);
    if (at === -1) return;
    const [{ tenantId, begin }] = this.waiting.splice(at, 1) as [Waiting];
    this.count(tenantId, 1);
    begin();
  }

  private count(tenantId: number, by: number): void {
    const now = (this.running.get(tenantId) ?? 0) + by;
    if (now === 0) this.running.delete(tenantId);
    else this.running.set(tenantId, now);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { EventName } from './event-types.js';
import { WANTED } from './subscription.queries.js';

/** How long a process relies on what it has read, in milliseconds. */
const BELIEVED_MS = 500;

/** A margin, since the timers of two machines do not agree to the millisecond. */
const MARGIN_MS = 50;

/** The most tenants in the cache. */
const REMEMBERED = 10_000;

interface Known {
  /** By this process's monotonic clock. */
  until: number;
  types: ReadonlySet<string>;
}

/**
 * Tells publishers which events have subscribers: an event without any costs a look into memory, and no job is created. The
 * cache is at most half a second old, and a change of a subscription is answered only after that time: from then on, no process
 * misses an event for it.
 */
@Injectable()
export class Interest {
  private readonly known = new Map<number, Known>();

  /** Whether one of the types is wanted; asked in the publisher's transaction. */
  async inAny(tx: EntityManager, tenant: Tenant, types: readonly EventName[]): Promise<boolean> {
    const known = this.known.get(tenant.id);
    const { types: wanted } = known !== undefined && known.until > performance.now() ? known : await this.look(tx, tenant);
    return types.some((type) => wanted.has(type));
  }

  /** Call after the commit and before the answer. */
  async settled(): Promise<void> {
    await sleep(BELIEVED_MS + MARGIN_MS);
  }

  private async look(tx: EntityManager, tenant: Tenant): Promise<Known> {
    const until = performance.now() + BELIEVED_MS; // counted from before the query
    const rows = await tx.query<{ type: string }[]>(WANTED, [tenant.id]);
    if (this.known.size >= REMEMBERED) this.known.clear();
    const known = { until, types: new Set(rows.map((row) => row.type)) };
    this.known.set(tenant.id, known);
    return known;
  }
}

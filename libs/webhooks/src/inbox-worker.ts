import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, sqlState } from '#database';
import { Jobs } from '#jobs';
import { Clock, DomainError, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { EventEffects } from './event-effects.js';
import { PROCESS_INBOX } from './inbox.js';
import { CLAIM, GATE, HAS_PENDING, SETTLE } from './inbox.queries.js';
import { isFault } from './normalisers/inbound-event.js';
import { NORMALISERS } from './normalisers/index.js';
import { type ClaimedEvent, failed, type Outcome } from './outcome.js';
import type { ProviderId } from './providers.js';

/** Events of one transaction: enough to share its cost, few enough to be done in a moment. */
const BATCH = 500;

/** How often a worker looks for events that no job speaks of any more: those of a worker that died over them. */
const RESCUE_SECONDS = 10;

/** What the database reports about the data, not about itself: the same again will fail again. */
const DATA_FAULT = /^(22|23|P0)/;

interface Row {
  provider: ProviderId;
  id: string;
  format: string;
  payload: unknown;
  received_at: Date;
}

/** Brings the inbox's events to their effects. An event and its effect commit together, so a crash repeats or loses neither. */
@Injectable()
export class InboxWorker implements OnModuleInit {
  private readonly logger = new Logger(InboxWorker.name);

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly tenants: Tenants,
    private readonly effects: EventEffects,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(PROCESS_INBOX, (tenant, _data, signal) => this.drain(tenant, signal));
    this.jobs.every(RESCUE_SECONDS, 'webhook events left behind', (signal) => this.rescue(signal));
  }

  private async drain(tenant: Tenant, signal: AbortSignal): Promise<void> {
    await this.database.inTenant(tenant, (tx) => tx.query(GATE, [tenant.id]));
    while (!signal.aborted && (await this.processBatch(tenant, BATCH)) === BATCH);
  }

  private async rescue(signal: AbortSignal): Promise<void> {
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return;
      const [row] = await this.database.rows<{ pending: boolean }>(tenant, { text: HAS_PENDING, values: [tenant.id], name: 'webhook_pending' });
      if (row!.pending) await this.drain(tenant, signal);
    }
  }

  /** @returns how many events were settled */
  private async processBatch(tenant: Tenant, limit: number): Promise<number> {
    try {
      return await this.database.inTenant(tenant, async (tx) => {
        const rows = await tx.query<Row[]>(CLAIM, [tenant.id, limit]);
        await this.settle(tx, tenant, rows, await this.process(tx, tenant, rows));
        return rows.length;
      });
    } catch (error) {
      if (!isLasting(error)) throw error; // the job is retried
      this.logger.error({ msg: 'webhook events could not be processed together', tenant: tenant.name, err: error });
      return this.processSingly(tenant, limit);
    }
  }

  /** One that cannot be processed must not hold up the others: each in a transaction of its own, and that one is failed. */
  private async processSingly(tenant: Tenant, limit: number): Promise<number> {
    for (let settled = 0; settled < limit; settled++) {
      let current: Row | undefined;
      try {
        await this.database.inTenant(tenant, async (tx) => {
          [current] = await tx.query<Row[]>(CLAIM, [tenant.id, 1]);
          if (current !== undefined) await this.settle(tx, tenant, [current], await this.process(tx, tenant, [current]));
        });
        if (current === undefined) return settled;
      } catch (error) {
        if (!isLasting(error) || current === undefined) throw error;
        const poison = current;
        this.logger.error({ msg: 'a webhook event could not be processed', tenant: tenant.name, event: poison.id, err: error });
        await this.database.inTenant(tenant, (tx) => this.settle(tx, tenant, [poison], [failed('processing_failed')]));
      }
    }
    return limit;
  }

  private async process(tx: EntityManager, tenant: Tenant, rows: readonly Row[]): Promise<Outcome[]> {
    const outcomes = new Map<string, Outcome>();
    const claimed = rows.flatMap((row): ClaimedEvent[] => {
      const event = NORMALISERS.get(row.format)?.read(row.provider, row.payload);
      if (event !== undefined && !isFault(event)) {
        return [{ id: row.id, provider: row.provider, event, at: event.at === null || event.at > row.received_at ? row.received_at : event.at }];
      }
      outcomes.set(row.id, failed(event?.fault ?? 'unknown_format'));
      return [];
    });
    const results = await this.effects.apply(tx, tenant, claimed);
    claimed.forEach((one, index) => outcomes.set(one.id, results[index]!));
    return rows.map((row) => outcomes.get(row.id)!);
  }

  private async settle(tx: EntityManager, tenant: Tenant, rows: readonly Row[], outcomes: readonly Outcome[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = [rows.map((row) => row.provider), rows.map((row) => row.id), outcomes.map((one) => one.status), outcomes.map((one) => one.reason)];
    await tx.query(SETTLE, [tenant.id, this.clock.now(), ...columns]);
  }
}

/** Whether trying again is of no use: a fault of the data, or of our code. */
function isLasting(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined ? error instanceof TypeError || error instanceof RangeError || error instanceof DomainError : DATA_FAULT.test(state);
}

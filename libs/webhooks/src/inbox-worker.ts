import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, isContention, isUnreachable, prepared } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { EventEffects } from './event-effects.js';
import { PROCESS_INBOX } from './inbox.js';
import { CLAIM, GATE, HAS_DUE, SETTLE } from './inbox.queries.js';
import { nextTry, type Outcome, outcomeOf } from './outcome.js';
import { type EventRow, isEvent, type Reading, readingOf } from './reading.js';
import { bodiesOf, type BodyRow, itemsOf } from './stored-bodies.js';

/** Events per transaction: enough to share its cost, few enough to finish quickly. */
const BATCH = 500;

/** Bytes of bodies read per transaction. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** How often a worker looks for events without a job: those due for a retry, and those of a worker that died. */
const RESCUE_SECONDS = 10;

/** Processes the inbox's events. An event's outcome and its effect commit together, so a crash neither repeats nor loses an effect. */
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
    while (!signal.aborted && (await this.processBatch(tenant)));
  }

  private async rescue(signal: AbortSignal): Promise<void> {
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return;
      const [row] = await this.database.rows<{ due: boolean }>(tenant, { text: HAS_DUE, values: [tenant.id, this.clock.now()], name: 'webhook_due' });
      if (row!.due) await this.drain(tenant, signal);
    }
  }

  /** @returns whether there may be more */
  private async processBatch(tenant: Tenant): Promise<boolean> {
    try {
      return await this.database.inTenant(tenant, async (tx) => {
        const { rows, readings } = await this.claim(tx, tenant, BATCH);
        await this.process(tx, tenant, readings);
        return rows.length === BATCH || readings.length < rows.length;
      });
    } catch (error) {
      if (isOfDatabase(error)) throw error; // the job is retried
      this.logger.error({ msg: 'webhook events could not be processed together', tenant: tenant.name, err: error });
      return this.processSingly(tenant);
    }
  }

  /** Processes each event in its own transaction, so that a bad one does not hold up the others: it waits for its next attempt, or fails. */
  private async processSingly(tenant: Tenant): Promise<boolean> {
    for (let count = 0; count < BATCH; count++) {
      let current: Reading | undefined;
      try {
        await this.database.inTenant(tenant, async (tx) => {
          [current] = (await this.claim(tx, tenant, 1)).readings;
          if (current !== undefined) await this.process(tx, tenant, [current]);
        });
        if (current === undefined) return false;
      } catch (error) {
        if (isOfDatabase(error) || current === undefined) throw error;
        const poison = current;
        this.logger.error({ msg: 'a webhook event could not be processed', tenant: tenant.name, event: poison.row.id, attempt: poison.row.attempts + 1, err: error });
        await this.database.inTenant(tenant, (tx) => this.settle(tx, tenant, [poison], [outcomeOf(error)]));
      }
    }
    return true;
  }

  /** Claims events and reads them from the stored bodies. Events whose bodies exceed the bound are left for the next batch. */
  private async claim(tx: EntityManager, tenant: Tenant, limit: number): Promise<{ rows: EventRow[]; readings: Reading[] }> {
    const rows = await prepared<EventRow>(tx, { text: CLAIM, values: [tenant.id, limit, this.clock.now()], name: 'webhook_claim' });
    if (rows.length === 0) return { rows, readings: [] };
    const found = await prepared<BodyRow>(tx, bodiesOf(tenant, rows, BATCH_BYTES));
    const left = new Set(found.filter((body) => body.body === null).map((body) => body.id));
    const bodies = new Map(found.map((body) => [body.id, left.has(body.id) ? null : itemsOf(body)]));
    const readings = rows.filter((row) => !left.has(row.body_id)).map((row) => readingOf(row, bodies.get(row.body_id)));
    return { rows, readings };
  }

  /** Applies the events in the order in which they happened. */
  private async process(tx: EntityManager, tenant: Tenant, readings: readonly Reading[]): Promise<void> {
    const claimed = readings.map(({ outcome }) => outcome).filter(isEvent).sort((a, b) => a.at.getTime() - b.at.getTime());
    const results = await this.effects.apply(tx, tenant, claimed);
    const outcomes = new Map(claimed.map((one, index) => [one, results[index]!]));
    await this.settle(tx, tenant, readings, readings.map(({ outcome }) => (isEvent(outcome) ? outcomes.get(outcome)! : outcome)));
  }

  private async settle(tx: EntityManager, tenant: Tenant, readings: readonly Reading[], outcomes: readonly Outcome[]): Promise<void> {
    if (readings.length === 0) return;
    const now = this.clock.now();
    const settled = readings.map(({ row, type }, index) => {
      const { status, reason } = outcomes[index]!;
      if (status !== 'pending') return { row, type, status, reason, attempts: row.attempts, due: null };
      const due = nextTry(row.attempts + 1, now);
      return { row, type, status: due === null ? 'failed' : 'pending', reason, attempts: row.attempts + 1, due };
    });
    const columns = [
      settled.map(({ row }) => row.provider), settled.map(({ row }) => row.id), settled.map((one) => one.status), settled.map((one) => one.reason),
      settled.map((one) => one.type), settled.map((one) => one.attempts), settled.map((one) => one.due),
    ];
    await prepared(tx, { text: SETTLE, values: [tenant.id, now, ...columns], name: 'webhook_settle' });
  }
}

/** Errors that are not about the events: contention, or an unreachable database. */
export const isOfDatabase = (error: unknown): boolean => isContention(error) || isUnreachable(error);

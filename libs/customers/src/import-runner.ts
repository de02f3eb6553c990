import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, isContention, isUnreachable, sqlState } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { ErasedNames } from './erased-names.js';
import type { CsvRow } from './import.chunks.js';
import { ImportEntity } from './import.entity.js';
import { ADD_PROGRESS, ANALYZE_CUSTOMERS, FORGET_SEEN, FORGET_WAITING, KEEP_ERRORS, KEEP_REJECTED, NO_WAIT, TAKE_CHUNK } from './import.queries.js';
import { rejectedRows } from './import-rejected.js';
import { ReadAhead } from './import-read-ahead.js';
import type { ReadRow } from './import-row.js';
import { ImportWriter } from './import-writer.js';
import { IMPORT_CUSTOMERS } from './imports.js';

/** Milliseconds that one job works before it queues the rest, so that files of other tenants get their turn and a shutdown need not wait. */
const TURN = 30_000;

/** lock_not_available: somebody held a row for longer than lock_timeout. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Failed attempts in a row after which the import counts as failed. */
const MAX_FAILURES = 5;

/**
 * Rows from which on the planner is told of them. It expects one row of a tenant that its statistics do not know: then any index will do, and every
 * look-up here, and every look at who changed, reads all that came so far (an import's time was a third of that).
 */
const MANY = 10_000;

interface Chunk {
  chunk_no: number;
  rows: string;
  next: string | null;
  erased: Buffer[] | null;
}

/** Works on imports, chunk by chunk: its rows, its errors and its progress commit together, so a crash repeats nothing and skips nothing. */
@Injectable()
export class ImportRunner implements OnModuleInit {
  private readonly logger = new Logger(ImportRunner.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly erasedNames: ErasedNames,
    private readonly jobs: Jobs,
    private readonly writer: ImportWriter,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(IMPORT_CUSTOMERS, (tenant, { import_no }, signal) => this.run(tenant, import_no, signal));
  }

  private async run(tenant: Tenant, importNo: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + TURN;
    const ahead = new ReadAhead();
    try {
      while (await this.tryStep(tenant, importNo, ahead)) {
        if (!signal.aborted && performance.now() < until) continue;
        await this.database.inTenant(tenant, (tx) => this.jobs.enqueue(tx, tenant, IMPORT_CUSTOMERS, { import_no: importNo }));
        return;
      }
    } catch (error) {
      if (isUnreachable(error) || !(await this.giveUp(tenant, importNo))) throw error; // the queue tries again
      this.logger.error({ msg: 'import failed', tenant: tenant.name, err: error });
    }
  }

  /** A chunk's work that others thwarted is still to be done: however often, that is not the file's fault. */
  private async tryStep(tenant: Tenant, importNo: number, ahead: ReadAhead): Promise<boolean> {
    try {
      return await this.step(tenant, importNo, ahead);
    } catch (error) {
      if (isContention(error) || sqlState(error) === LOCK_NOT_AVAILABLE) return true;
      throw error;
    }
  }

  /** @returns whether there may be more to do */
  private step(tenant: Tenant, importNo: number, ahead: ReadAhead): Promise<boolean> {
    const begunAt = this.clock.now();
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOne(ImportEntity, { where: { tenantId: tenant.id, importNo }, lock: { mode: 'pessimistic_write' } });
      if (entity === null || entity.ended) return false;
      const [[chunk]] = await tx.query<[[Chunk?], number]>(TAKE_CHUNK, [tenant.id, importNo, entity.begunAt]);
      if (chunk !== undefined) await this.apply(tx, tenant, entity, chunk, ahead, begunAt);
      const more = chunk !== undefined && entity.processed < entity.totalRows;
      await (more ? tx.query(NO_WAIT) : this.complete(tx, tenant, entity));
      return more;
    });
  }

  private async apply(tx: EntityManager, tenant: Tenant, entity: ImportEntity, { chunk_no, rows, next, erased }: Chunk, ahead: ReadAhead, begunAt: Date): Promise<void> {
    const left = erased === null ? rows : JSON.stringify(this.erasedNames.without(erased, JSON.parse(rows) as CsvRow[], entity.columns));
    const { chunk, read, reader } = await ahead.take(entity, left);
    if (next !== null) ahead.begin(entity, next);
    const errors = read.flatMap((row) => (Array.isArray(row) ? row : []));
    const { created, updated, nobodys } = await this.writer.write(tx, tenant, entity, read.filter((row): row is ReadRow => !Array.isArray(row)));
    errors.push(...nobodys.map(({ line, ...why }) => ({ line, column: reader.columnOf('email'), ...why })));
    if (!entity.dryRun && entity.processed < MANY && entity.processed + chunk.length >= MANY) await tx.query(ANALYZE_CUSTOMERS);
    if (errors.length > 0) {
      await tx.query(KEEP_ERRORS, [tenant.id, entity.importNo, errors.map((one) => one.line), errors.map((one) => one.column), errors.map((one) => one.code), errors.map((one) => one.detail)]);
      await tx.query(KEEP_REJECTED, [tenant.id, entity.importNo, chunk_no, JSON.stringify(rejectedRows(chunk, errors))]);
    }
    entity.processed += chunk.length;
    await tx.query(ADD_PROGRESS, [tenant.id, entity.importNo, chunk.length, created, updated, chunk.length - created - updated, begunAt]);
  }

  private async complete(tx: EntityManager, tenant: Tenant, { importNo, dryRun }: ImportEntity): Promise<void> {
    await tx.update(ImportEntity, { tenantId: tenant.id, importNo }, { status: 'completed', finishedAt: this.clock.now() });
    if (dryRun) await tx.query(FORGET_SEEN, [tenant.id, importNo]);
  }

  /** Counts a failure; the last one ends the import. What was written stays, and `processed` says how far it got. */
  private giveUp(tenant: Tenant, importNo: number): Promise<boolean> {
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOne(ImportEntity, { where: { tenantId: tenant.id, importNo }, lock: { mode: 'pessimistic_write' } });
      if (entity === null || entity.ended) return true;
      const failed = entity.failures + 1 >= MAX_FAILURES;
      await tx.update(ImportEntity, { tenantId: tenant.id, importNo }, { failures: entity.failures + 1, ...(failed && { status: 'failed', finishedAt: this.clock.now() }) });
      if (failed) for (const forget of FORGET_WAITING) await tx.query(forget, [tenant.id, importNo]);
      return failed;
    });
  }
}

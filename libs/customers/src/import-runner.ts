import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { CsvRow } from './import.csv.js';
import { ImportEntity } from './import.entity.js';
import { ADD_PROGRESS, IDS_OF_EMAILS, KEEP_ERRORS, TAKE_CHUNK } from './import.queries.js';
import { type ReadRow, readRow, type RowError } from './import-row.js';
import { IMPORT_CUSTOMERS, Imports } from './imports.js';
import { ProfileWriter } from './profile-writer.js';

/** Milliseconds that one job works before it passes the rest on: long jobs would look lost, and would hold up a shutdown. */
const TURN = 30_000;

/** Chunks that could not be worked on before the import counts as failed. */
const MAX_FAILURES = 5;

/** Works on imports, chunk by chunk: its rows, its errors and its progress commit together, so a crash repeats nothing and skips nothing. */
@Injectable()
export class ImportRunner implements OnModuleInit {
  private readonly logger = new Logger(ImportRunner.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly imports: Imports,
    private readonly jobs: Jobs,
    private readonly writer: ProfileWriter,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(IMPORT_CUSTOMERS, (tenant, { import_no }, signal) => this.run(tenant, import_no, signal));
  }

  private async run(tenant: Tenant, importNo: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + TURN;
    try {
      while (await this.step(tenant, importNo)) {
        if (!signal.aborted && performance.now() < until) continue;
        await this.database.inTenant(tenant, (tx) => this.jobs.enqueue(tx, tenant, IMPORT_CUSTOMERS, { import_no: importNo }));
        return;
      }
    } catch (error) {
      if (!(await this.giveUp(tenant, importNo))) throw error; // the queue tries again
      this.logger.error({ msg: 'import failed', tenant: tenant.name, err: error });
    }
  }

  /** @returns whether there may be more to do */
  private step(tenant: Tenant, importNo: number): Promise<boolean> {
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOne(ImportEntity, { where: { tenantId: tenant.id, importNo }, lock: { mode: 'pessimistic_write' } });
      if (entity === null || entity.status === 'completed' || entity.status === 'failed') return false;
      const [[chunk]] = await tx.query<[[{ rows: string }?], number]>(TAKE_CHUNK, [tenant.id, importNo]);
      if (chunk === undefined) {
        await tx.update(ImportEntity, { tenantId: tenant.id, importNo }, { status: 'completed', finishedAt: this.clock.now() });
        return false;
      }
      await this.apply(tx, tenant, entity, JSON.parse(chunk.rows) as CsvRow[]);
      return true;
    });
  }

  private async apply(tx: EntityManager, tenant: Tenant, entity: ImportEntity, chunk: CsvRow[]): Promise<void> {
    const read = await Promise.all(chunk.map((row) => readRow(entity.columns, row)));
    const errors = read.flatMap((row) => (Array.isArray(row) ? row : []));
    const good = await this.identified(tx, tenant, read.filter((row): row is ReadRow => !Array.isArray(row)), errors);
    const written = good.length === 0 ? [] : await this.writer.upsert(tx, tenant, good, 'import');
    const target = entity.target === null ? undefined : this.imports.targets.get(entity.target);
    if (target !== undefined && written.length > 0) await target(tx, tenant, entity.targetRef!, [...new Set(written.map((one) => one.customerNo))]);
    if (errors.length > 0) {
      await tx.query(KEEP_ERRORS, [tenant.id, entity.importNo, errors.map((one) => one.line), errors.map((one) => one.column), errors.map((one) => one.code), errors.map((one) => one.detail)]);
    }
    const created = written.filter((one) => one.created).length;
    await tx.query(ADD_PROGRESS, [tenant.id, entity.importNo, chunk.length, created, written.length - created, chunk.length - written.length]);
  }

  /** The rows with the id of their customer: their own, or that of the customer who has the email. */
  private async identified(tx: EntityManager, tenant: Tenant, rows: readonly ReadRow[], errors: RowError[]) {
    const emails = rows.flatMap((row) => (row.customerId === null ? [row.patch.email!] : []));
    const known = emails.length === 0 ? [] : await tx.query<{ email: string; customer_id: string }[]>(IDS_OF_EMAILS, [tenant.id, emails]);
    const idOf = new Map(known.map((row) => [row.email, row.customer_id]));
    return rows.flatMap(({ line, customerId, patch }) => {
      const id = customerId ?? idOf.get(patch.email!);
      if (id !== undefined) return [{ customerId: id, patch }];
      errors.push({ line, column: 'email', code: 'customer_not_found', detail: 'No customer has this email, and the row names no customer_id.' });
      return [];
    });
  }

  /** Counts a failure; the last one ends the import. What was written stays, and `processed` says how far it came. */
  private giveUp(tenant: Tenant, importNo: number): Promise<boolean> {
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOne(ImportEntity, { where: { tenantId: tenant.id, importNo }, lock: { mode: 'pessimistic_write' } });
      if (entity === null) return true;
      const failed = entity.failures + 1 >= MAX_FAILURES;
      await tx.update(ImportEntity, { tenantId: tenant.id, importNo }, { failures: entity.failures + 1, ...(failed && { status: 'failed', finishedAt: this.clock.now() }) });
      if (failed) await tx.query('DELETE FROM import_chunks WHERE tenant_id = $1 AND import_no = $2', [tenant.id, importNo]);
      return failed;
    });
  }
}

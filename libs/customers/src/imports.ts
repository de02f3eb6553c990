import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import { type EntityManager, LessThan, Not } from 'typeorm';
import { Database, readBoundedTotal } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, defused, isInt4, newId, type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import { AuditLog } from '#tenants';
import { ImportError } from './customers.errors.js';
import { ImportDto, type ImportListQueryDto } from './dto/import.dto.js';
import { ErasedNames } from './erased-names.js';
import { type CsvFile, readCsv } from './import.csv.js';
import { ImportEntity } from './import.entity.js';
import { BEGIN_IMPORT, COUNT_IMPORTS, ERRORS, FORGET_WAITING, KEEP_CHUNK, REJECTED } from './import.queries.js';
import { rejectedCsv, type RejectedRow } from './import-rejected.js';

/** Gets the customers of every chunk, in the transaction that writes them. */
export type ImportTarget = (tx: EntityManager, tenant: Tenant, ref: string, customerNos: readonly number[]) => Promise<void>;

export const IMPORT_CUSTOMERS = jobType<{ import_no: number }>('customer-import', { expireSeconds: 600 });

const ERRORS_PAGE = 5000;

/** Imports CSV files of any size. Rows become profiles; a target, such as a segment, may also receive their customers. */
@Injectable()
export class Imports {
  readonly targets = new Map<string, ImportTarget>();

  constructor(
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly erasedNames: ErasedNames,
    private readonly jobs: Jobs,
  ) {}

  /** Call while modules initialise. */
  target(name: string, receive: ImportTarget): void {
    if (this.targets.has(name)) throw new Error(`Two import targets named "${name}"`);
    this.targets.set(name, receive);
  }

  /**
   * Stores the file as it streams in, then has a job work on it. Nothing is kept of a file that breaks off or is none.
   *
   * COPY cannot write into a table under row-level security, so rows are staged as one row a chunk: a million rows are two
   * thousand small statements, and a chunk is deleted in the transaction that applies it.
   *
   * @param file from {@link csvBody}
   * @throws RequestError validation_failed when it is no CSV file or its header names what no customer has
   */
  async start(tenant: Tenant, file: CsvFile, target: { name: string; ref: string } | null = null): Promise<ImportDto> {
    const importId = newId('imp', this.clock.now().getTime());
    const { importNo, totalRows, encoding } = await this.database.withClient(tenant, async (client) => {
      const { header, columns, chunks, encoding } = await readCsv(file);
      const { rows } = await client.query<{ import_no: number }>(BEGIN_IMPORT, [tenant.id, importId, target?.name ?? null, target?.ref ?? null, header, columns, file.dryRun ?? false, this.clock.now()]);
      const importNo = rows[0]!.import_no;
      let totalRows = 0;
      let chunkNo = 0;
      let kept: Promise<unknown> = Promise.resolve(); // one chunk is kept while the next one is read
      for await (const { count, json, done } of chunks) {
        await kept;
        kept = client.query(KEEP_CHUNK, [tenant.id, importNo, chunkNo++, json]).then(done);
        kept.catch(() => undefined);
        totalRows += count;
      }
      await kept;
      return { importNo, totalRows, encoding: encoding() };
    }, { streaming: true });
    try {
      return await this.database.inTenant(tenant, async (tx) => {
        await this.erasedNames.wait(tx, tenant);
        await tx.update(ImportEntity, { tenantId: tenant.id, importNo }, { status: 'queued', totalRows, encoding });
        await this.jobs.enqueue(tx, tenant, IMPORT_CUSTOMERS, { import_no: importNo });
        return ImportDto.from(await tx.findOneByOrFail(ImportEntity, { tenantId: tenant.id, importNo }), this.clock.now());
      });
    } catch (error) {
      // Such as another upload under the same Idempotency-Key having ended first.
      await this.database.inTenant(tenant, (tx) => tx.delete(ImportEntity, { tenantId: tenant.id, importNo, status: 'receiving' }));
      throw error;
    }
  }

  /** Newest first. */
  async list(tenant: Tenant, query: ImportListQueryDto): Promise<Paged<ImportDto>> {
    const window = pageWindow<[number]>(query, 'imports', ([no, ...rest]) => isInt4(no) && rest.length === 0);
    return this.database.inTenant(tenant, async (tx) => {
      const where = { tenantId: tenant.id, status: query.status ?? Not('receiving' as const), ...(window.after && { importNo: LessThan(window.after[0]) }) };
      const rows = await tx.find(ImportEntity, { where, order: { importNo: 'DESC' }, skip: window.offset, take: window.limit + 1 });
      const [counted] = await tx.query<[{ total: number }]>(COUNT_IMPORTS, [tenant.id, query.status ?? null]);
      const now = this.clock.now();
      return toPage(rows, window, readBoundedTotal(counted.total), (row) => ImportDto.from(row, now), (row) => [row.importNo]);
    });
  }

  /** Waits for the chunk that is being worked on: what is told then is final. */
  async cancel(tenant: Tenant, actor: string, importId: string): Promise<ImportDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOne(ImportEntity, { where: { tenantId: tenant.id, importId }, lock: { mode: 'pessimistic_write' } });
      if (entity === null || entity.status === 'receiving') throw new ImportError('import_not_found');
      if (entity.ended && entity.status !== 'canceled') throw new ImportError('invalid_state', { detail: `The import is ${entity.status}.` });
      if (!entity.ended) {
        for (const forget of FORGET_WAITING) await tx.query(forget, [tenant.id, entity.importNo]);
        Object.assign(entity, { status: 'canceled', finishedAt: this.clock.now() });
        await tx.save(entity);
        await this.auditLog.add(tx, tenant, actor, 'import.canceled', { import_id: importId, processed: entity.processed, total_rows: entity.totalRows });
      }
      return ImportDto.from(entity, this.clock.now());
    });
  }

  async get(tenant: Tenant, importId: string): Promise<ImportDto> {
    return ImportDto.from(await this.find(tenant, importId), this.clock.now());
  }

  /** Why rows were rejected, as a CSV file in the order they were worked on. */
  async errors(tenant: Tenant, importId: string): Promise<Readable> {
    const { importNo } = await this.find(tenant, importId);
    return Readable.from(this.errorLines(tenant, importNo), { objectMode: false });
  }

  private async *errorLines(tenant: Tenant, importNo: number): AsyncGenerator<string> {
    yield 'line,column,code,detail\n';
    for (let last = '0'; ; ) {
      const rows = await this.database.rows<{ id: string; line: number; column: string | null; code: string; detail: string }>(tenant, { text: ERRORS, values: [tenant.id, importNo, last, ERRORS_PAGE], name: 'import_errors' });
      if (rows.length === 0) return;
      yield stringify(rows.map((row) => [row.line, row.column, row.code, row.detail]), { cast: { string: defused } }); // a column is called what the file says
      last = rows.at(-1)!.id;
    }
  }

  /** The rejected rows themselves, to be corrected and sent again. */
  async rejected(tenant: Tenant, importId: string): Promise<Readable> {
    const { importNo, header } = await this.find(tenant, importId);
    return Readable.from(this.rejectedLines(tenant, importNo, header), { objectMode: false });
  }

  private async *rejectedLines(tenant: Tenant, importNo: number, header: readonly string[]): AsyncGenerator<string> {
    const csv = rejectedCsv(header);
    yield csv.head;
    for (let last = -1; ; ) {
      const [chunk] = await this.database.rows<{ chunk_no: number; rows: string }>(tenant, { text: REJECTED, values: [tenant.id, importNo, last], name: 'import_rejected' });
      if (chunk === undefined) return;
      yield csv.rows(JSON.parse(chunk.rows) as RejectedRow[]);
      last = chunk.chunk_no;
    }
  }

  private async find(tenant: Tenant, importId: string): Promise<ImportEntity> {
    const entity = await this.database.inTenant(tenant, (tx) => tx.findOneBy(ImportEntity, { tenantId: tenant.id, importId }));
    if (entity === null || entity.status === 'receiving') throw new ImportError('import_not_found');
    return entity;
  }
}

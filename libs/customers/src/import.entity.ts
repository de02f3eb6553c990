import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

export const IMPORT_STATUSES = ['queued', 'running', 'completed', 'failed', 'canceled'] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

const ENDED: readonly string[] = ['completed', 'failed', 'canceled'] satisfies ImportStatus[];

@Entity('imports')
@Check('imports_status_check', `status IN ('receiving', 'queued', 'running', 'completed', 'failed', 'canceled')`)
@Unique('imports_import_id', ['tenantId', 'importId'])
export class ImportEntity {
  @PrimaryColumn('int', { name: 'tenant_id' })
  tenantId: number;

  @PrimaryColumn('int', { name: 'import_no', generated: 'identity', generatedIdentity: 'ALWAYS' })
  importNo: number;

  @Column('text', { name: 'import_id' })
  importId: string;

  /** `receiving` until the whole file is here; until then, nobody has been told of the import. */
  @Column('text')
  status: ImportStatus | 'receiving';

  /** Who besides the profiles gets the customers: the name of an {@link ImportTarget}, and what it goes by. */
  @Column('text', { nullable: true })
  target: string | null;

  @Column('text', { name: 'target_ref', nullable: true })
  targetRef: string | null;

  /** The file's first row. */
  @Column('text', { array: true })
  header: string[];

  /** Which field each column is; empty for one that is ignored. */
  @Column('text', { array: true })
  columns: string[];

  /** What the file was read as, by its WHATWG name; null while it comes. */
  @Column('text', { nullable: true })
  encoding: string | null;

  /** Only reports what would become of the file. */
  @Column('boolean', { name: 'dry_run', default: false })
  dryRun: boolean;

  @Column('int', { name: 'total_rows', default: 0 })
  totalRows: number;

  @Column('int', { default: 0 })
  processed: number;

  @Column('int', { default: 0 })
  created: number;

  @Column('int', { default: 0 })
  updated: number;

  @Column('int', { default: 0 })
  rejected: number;

  /** How often work has failed since the last chunk that succeeded. */
  @Column('int', { default: 0 })
  failures: number;

  /** When the upload began, by the database's clock. */
  @Column('timestamptz', { name: 'begun_at', default: () => 'now()' })
  begunAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** Whether the import has ended, in any way. */
  get ended(): boolean {
    return ENDED.includes(this.status);
  }
}

import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQueryDto, pageOf } from '#http';
import { IMPORT_STATUSES, type ImportEntity, type ImportStatus } from '../import.entity.js';

export class ImportDto {
  @ApiProperty({ example: 'imp_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  /** `failed`: given up after several tries. `canceled`: stopped by a user. In both cases, what was processed stays. */
  @ApiProperty({ enum: IMPORT_STATUSES, example: 'queued' })
  status: ImportStatus;

  @ApiProperty({ type: 'integer', example: 2357 })
  total_rows: number;

  @ApiProperty({ type: 'integer', example: 0 })
  processed: number;

  @ApiProperty({ type: 'integer', example: 0 })
  created: number;

  @ApiProperty({ type: 'integer', example: 0 })
  updated: number;

  @ApiProperty({ type: 'integer', example: 0 })
  rejected: number;

  /** The encoding the file was read as. If nothing declared it, `windows-1252` is a guess: make a dry run, and check the names. */
  @ApiProperty({ example: 'utf-8' })
  encoding: string;

  /** A dry run: it only reports what would become of the file, and writes nothing. */
  @ApiProperty()
  dry_run: boolean;

  /** Since it started. */
  @ApiProperty({ type: 'integer', nullable: true, example: null })
  rows_per_second: number | null;

  /** Seconds until it is done, at this rate; null unless it is running. */
  @ApiProperty({ type: 'integer', nullable: true, example: null })
  eta_seconds: number | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  started_at: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  finished_at: string | null;

  static from(entity: ImportEntity, now: Date): ImportDto {
    const rate = rateOf(entity, now);
    return {
      id: entity.importId,
      status: entity.status as ImportStatus,
      total_rows: entity.totalRows,
      processed: entity.processed,
      created: entity.created,
      updated: entity.updated,
      rejected: entity.rejected,
      encoding: entity.encoding ?? 'utf-8',
      dry_run: entity.dryRun,
      rows_per_second: rate === null ? null : Math.round(rate),
      eta_seconds: entity.status === 'running' && rate ? Math.ceil((entity.totalRows - entity.processed) / rate) : null,
      created_at: entity.createdAt.toISOString(),
      started_at: entity.startedAt?.toISOString() ?? null,
      finished_at: entity.finishedAt?.toISOString() ?? null,
    };
  }
}

export class ImportPageDto extends pageOf(ImportDto) {}

export class ImportListQueryDto extends PageQueryDto {
  @IsOptional() @IsIn(IMPORT_STATUSES)
  @ApiProperty({ enum: IMPORT_STATUSES, required: false })
  status?: ImportStatus;
}

/** Rows a second since the start; null before, or when it took no time. */
function rateOf({ startedAt, finishedAt, processed }: ImportEntity, now: Date): number | null {
  if (startedAt === null) return null;
  const seconds = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1000;
  return seconds > 0 ? processed / seconds : null;
}

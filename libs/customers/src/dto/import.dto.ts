import { ApiProperty } from '@nestjs/swagger';
import { IMPORT_STATUSES, type ImportEntity, type ImportStatus } from '../import.entity.js';

export class ImportDto {
  @ApiProperty({ example: 'imp_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  /** `failed`: it was given up after several tries; what was processed stays. */
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

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  finished_at: string | null;

  static from(entity: ImportEntity): ImportDto {
    return {
      id: entity.importId,
      status: entity.status as ImportStatus,
      total_rows: entity.totalRows,
      processed: entity.processed,
      created: entity.created,
      updated: entity.updated,
      rejected: entity.rejected,
      created_at: entity.createdAt.toISOString(),
      finished_at: entity.finishedAt?.toISOString() ?? null,
    };
  }
}

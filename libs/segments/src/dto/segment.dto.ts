import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';
import type { JsonObject } from '#kernel';
import { SEGMENT_TYPES, type SegmentRow, type SegmentType } from '../segment.js';

export const CRITERIA_SCHEMA = {
  type: 'object',
  additionalProperties: true,
  example: { total_spent: { gte: 500 }, order_count: { gte: 10 }, loyalty_tier: { in: ['gold', 'platinum'] } },
} as const;

export class SegmentSummaryDto {
  @ApiProperty({ example: 'seg_loyalty_gold' })
  id: string;

  @ApiProperty({ example: 'Gold Loyalty Members' })
  name: string;

  @ApiProperty({ enum: SEGMENT_TYPES, example: 'dynamic' })
  type: SegmentType;

  /** Members now. */
  @ApiProperty({ example: 1250 })
  size: number;

  /** Who belongs to a dynamic segment; null for the other types. */
  @ApiProperty({ ...CRITERIA_SCHEMA, nullable: true })
  criteria: JsonObject | null;

  /** When the membership last changed or was computed; absent until then. */
  @ApiProperty({ required: false, type: String, format: 'date-time', example: '2026-01-24T00:00:00Z' })
  last_updated?: Date;

  static from(row: SegmentRow): SegmentSummaryDto {
    return { id: row.segment_id, name: row.name, type: row.type, size: row.size, criteria: row.criteria, ...(row.last_updated && { last_updated: row.last_updated }) };
  }
}

export class SegmentDto extends SegmentSummaryDto {
  description: string | null;
  created_at: Date;
  updated_at: Date;

  static override from(row: SegmentRow): SegmentDto {
    return { ...SegmentSummaryDto.from(row), description: row.description, created_at: row.created_at, updated_at: row.updated_at };
  }
}

export class SegmentPageDto extends pageOf(SegmentSummaryDto) {}

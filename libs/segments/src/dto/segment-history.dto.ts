import { ApiProperty } from '@nestjs/swagger';
import { IsISO8601, IsOptional, Matches } from 'class-validator';

const DAY = /^[12]\d{3}-\d{2}-\d{2}$/;
const day = { message: '$property must be a date, YYYY-MM-DD' };

export class SegmentHistoryQueryDto {
  @IsOptional() @Matches(DAY, day) @IsISO8601({ strict: true }, day)
  @ApiProperty({ required: false, format: 'date', example: '2026-01-01', description: 'First day, in the tenant’s zone. By default 29 days before the last.' })
  from?: string;

  @IsOptional() @Matches(DAY, day) @IsISO8601({ strict: true }, day)
  @ApiProperty({ required: false, format: 'date', example: '2026-01-24', description: 'Last day, included. By default today. At most 366 days.' })
  to?: string;
}

export class SegmentDayDto {
  @ApiProperty({ format: 'date', example: '2026-01-24' })
  date: string;

  /** Members when the day ended; on the current day, now. */
  @ApiProperty({ type: 'integer', example: 1250 })
  size: number;

  /** How many times a customer entered that day; one who entered twice counts twice. */
  @ApiProperty({ type: 'integer', example: 31 })
  entered: number;

  /** How many times a customer left that day. */
  @ApiProperty({ type: 'integer', example: 12 })
  exited: number;
}

export class SegmentHistoryDto {
  data: SegmentDayDto[];
}

import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsIn, IsISO8601, IsOptional, Matches, ValidateIf } from 'class-validator';
import { type Stage, STAGES } from '#events';
import { FUNNEL_TYPES, type FunnelType } from '../funnel-types.js';

const DAY = /^[12]\d{3}-\d{2}-\d{2}$/;
const day = { message: '$property must be a date, YYYY-MM-DD' };

/** How a list is written in a query (https://spec.openapis.org/oas/v3.1.1#style-values). */
const COMMAS = { style: 'form', explode: false };

/** `a,b` and a repeated parameter are both lists. */
const asList = ({ value }: { value: unknown }): unknown => [value].flat().flatMap((part: unknown) => (typeof part === 'string' ? part.split(',').map((one) => one.trim()) : [part]));

export class FunnelQueryDto {
  @ValidateIf((query: FunnelQueryDto) => query.funnel_type !== undefined || query.stages === undefined)
  @IsIn(FUNNEL_TYPES)
  @ApiProperty({ required: false, enum: FUNNEL_TYPES, description: 'Which funnel. May be left out when `stages` is given.' })
  funnel_type?: FunnelType;

  @IsOptional() @Matches(DAY, day) @IsISO8601({ strict: true }, day)
  @ApiProperty({ required: false, format: 'date', example: '2026-01-01', description: 'First day, in the tenant’s zone. By default 29 days before the last.' })
  start_date?: string;

  @IsOptional() @Matches(DAY, day) @IsISO8601({ strict: true }, day)
  @ApiProperty({ required: false, format: 'date', example: '2026-01-24', description: 'Last day, included. By default today. A period has at most 1,830 days.' })
  end_date?: string;

  @IsOptional() @Transform(asList) @IsIn(STAGES, { each: true }) @ArrayUnique() @ArrayMinSize(2) @ArrayMaxSize(STAGES.length)
  @ApiProperty({ ...COMMAS, required: false, enum: STAGES, isArray: true, maxItems: STAGES.length, example: ['interest', 'consideration', 'purchase'], description: 'Two to ten stages, separated by commas: a funnel of one’s own, in this order.' })
  stages?: Stage[];
}

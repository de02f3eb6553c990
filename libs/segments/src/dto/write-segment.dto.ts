import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, MaxLength, MinLength, ValidateIf } from 'class-validator';
import { OneLine, PageQueryDto, Trimmed } from '#http';
import { SEGMENT_TYPES, type SegmentType } from '../segment.js';
import { CRITERIA_SCHEMA } from './segment.dto.js';

const present = (_: object, value: unknown): boolean => value !== undefined;

export class CreateSegmentDto {
  @Trimmed() @IsString() @MinLength(1) @MaxLength(200) @OneLine()
  name: string;

  /** `static`: members are listed. `dynamic`: they follow the criteria. `imported`: they come from a file. */
  @IsIn(SEGMENT_TYPES)
  @ApiProperty({ enum: SEGMENT_TYPES })
  type: SegmentType;

  @IsOptional() @IsString() @MaxLength(1000)
  description?: string | null;

  /** Required for a dynamic segment, and for no other. `GET /segments/fields` lists what they may test. */
  @Allow()
  @ApiPropertyOptional(CRITERIA_SCHEMA)
  criteria?: object;
}

/** A merge patch: members left out stay as they are. */
export class UpdateSegmentDto {
  @ValidateIf(present) @Trimmed() @IsString() @MinLength(1) @MaxLength(200) @OneLine()
  name?: string;

  @IsOptional() @IsString() @MaxLength(1000)
  description?: string | null;

  /** Replaces the criteria of a dynamic segment; its members are recomputed. */
  @Allow()
  @ApiPropertyOptional(CRITERIA_SCHEMA)
  criteria?: object;
}

export class PreviewSegmentDto {
  @Allow()
  @ApiProperty(CRITERIA_SCHEMA)
  criteria: object;

  /** Up to three fields whose values to count among the matching customers: `city`, `loyalty_tier`, `locale`, `timezone`, `tags`, `consent.<channel>`, `attributes.<name>`. */
  @IsOptional() @IsArray() @ArrayMaxSize(3) @ArrayUnique() @IsString({ each: true }) @MaxLength(200, { each: true })
  @ApiProperty({ type: [String], required: false, maxItems: 3, example: ['loyalty_tier', 'city'] })
  breakdown?: string[];
}

export class SegmentListQueryDto extends PageQueryDto {
  @IsOptional() @IsIn(SEGMENT_TYPES)
  @ApiProperty({ required: false, enum: SEGMENT_TYPES })
  type?: SegmentType;
}

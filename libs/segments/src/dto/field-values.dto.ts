import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';
import { Trimmed } from '#http';
import { ValueCountDto } from './segment-preview.dto.js';

export class FieldValuesQueryDto {
  /** A part of the wanted values, ignoring case. */
  @IsOptional() @Trimmed() @IsString() @Length(1, 100)
  @ApiProperty({ required: false, minLength: 1, maxLength: 100, example: 'ro' })
  q?: string;
}

export class FieldValuesDto {
  /** Up to fifty, the most frequent first. */
  data: ValueCountDto[];

  /** With more than 5,000 customers, a sample is used: sizes are estimates, and a rare value may be missing. */
  approximate: boolean;
}

import { ApiProperty } from '@nestjs/swagger';
import { OPERATORS, type Operator } from '../operators.js';
import { type AnyField, FIELD_TYPES, type FieldType, OPERATORS_OF } from '../field.js';

export class SegmentFieldDto {
  @ApiProperty({ example: 'loyalty_tier' })
  name: string;

  @ApiProperty({ enum: FIELD_TYPES, example: 'text' })
  type: FieldType;

  @ApiProperty({ enum: OPERATORS, isArray: true })
  operators: Operator[];

  /** What it can be, where that is known; else null. */
  values: string[] | null;

  description: string;

  static from({ name, type, values, description }: AnyField): SegmentFieldDto {
    return { name, type, operators: [...OPERATORS_OF[type]], values: values === undefined ? null : [...values], description };
  }
}

export class SegmentFieldsDto {
  data: SegmentFieldDto[];
}

import { ApiProperty } from '@nestjs/swagger';
import { SegmentMemberDto } from './segment-member.dto.js';

const VALUE = { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] };

export class ValueCountDto {
  @ApiProperty({ ...VALUE, example: 'gold' })
  value: string | number | boolean;

  /** Customers who have it. */
  @ApiProperty({ type: 'integer', example: 250 })
  size: number;
}

export class BreakdownDto {
  @ApiProperty({ example: 'loyalty_tier' })
  field: string;

  /** The twenty most frequent, the most frequent first. */
  values: ValueCountDto[];

  /** Customers with other values. With a field that can hold several, such as `tags`, a customer counts once under each. */
  @ApiProperty({ type: 'integer', example: 0 })
  other: number;

  /** Customers without the field. */
  @ApiProperty({ type: 'integer', example: 12 })
  missing: number;
}

export class SegmentPreviewDto {
  /** How many customers match now. */
  @ApiProperty({ type: 'integer', example: 412 })
  size: number;

  /** Up to ten of them. */
  sample: SegmentMemberDto[];

  /** In the order of the request; absent if not requested. */
  breakdown?: BreakdownDto[];
}

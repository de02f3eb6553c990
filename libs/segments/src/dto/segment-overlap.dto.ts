import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsString, MaxLength, MinLength } from 'class-validator';

export class CompareSegmentsDto {
  /** Two to five segments. */
  @IsArray() @ArrayMinSize(2) @ArrayMaxSize(5) @ArrayUnique() @IsString({ each: true }) @MinLength(1, { each: true }) @MaxLength(200, { each: true })
  segment_ids: string[];
}

export class ComparedSegmentDto {
  @ApiProperty({ example: 'seg_loyalty_gold' })
  id: string;

  @ApiProperty({ example: 'Gold Loyalty Members' })
  name: string;

  /** Members now. */
  @ApiProperty({ type: 'integer', example: 1250 })
  size: number;
}

export class SegmentIntersectionDto {
  segment_ids: string[];

  /** Customers who are in all of these segments, as for a Venn diagram. */
  @ApiProperty({ type: 'integer', example: 210 })
  size: number;

  /** Those of them who are in none of the other segments in the request: one area of the diagram. */
  @ApiProperty({ type: 'integer', example: 180 })
  exclusive: number;
}

export class SegmentOverlapDto {
  /** In the order of the request. */
  segments: ComparedSegmentDto[];

  /** Customers who are in any of them. */
  @ApiProperty({ type: 'integer', example: 1930 })
  union_size: number;

  /** Every combination, from single segments to all of them. */
  overlaps: SegmentIntersectionDto[];
}

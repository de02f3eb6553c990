import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsString, MaxLength, MinLength } from 'class-validator';
import { pageOf } from '#http';

export class SegmentMemberDto {
  @ApiProperty({ example: 'cust_1001' })
  customer_id: string;

  email: string | null;
  first_name: string | null;
  last_name: string | null;
}

export class SegmentMemberPageDto extends pageOf(SegmentMemberDto) {}

export class AddSegmentMembersDto {
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(10_000) @IsString({ each: true }) @MinLength(1, { each: true }) @MaxLength(200, { each: true })
  customer_ids: string[];
}

export class AddedSegmentMembersDto {
  /** Members from now on. */
  added: number;

  /** Members already. */
  already: number;

  /** Ids that no customer has. */
  unknown: string[];
}

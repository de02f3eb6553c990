import type { Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Type as As } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Paged, PageMeta } from '#kernel';

/** The paging parameters of every list. */
export class PageQueryDto {
  /** Page number, from 1; `page × limit` may not exceed 10,000. */
  @IsOptional() @IsInt() @Min(1) @As(() => Number)
  @ApiProperty({ required: false, minimum: 1, default: 1, description: 'Page number, from 1. `page × limit` may not exceed 10,000; use `cursor` to go further.' })
  page?: number;

  @IsOptional() @IsInt() @Min(1) @Max(100) @As(() => Number)
  @ApiProperty({ required: false, minimum: 1, maximum: 100, default: 20, description: 'Results per page.' })
  limit?: number;

  @IsOptional() @IsString() @MaxLength(512)
  @ApiProperty({ required: false, maxLength: 512, description: '`next_cursor` of the previous page. Valid for the same list with the same filters; equally fast at any depth. Not together with `page`.' })
  cursor?: string;
}

export class PageMetaDto implements PageMeta {
  @ApiProperty({ type: Number, nullable: true, example: 1, description: 'Null when the list was continued by cursor.' })
  page: number | null;

  @ApiProperty({ example: 20 })
  limit: number;

  @ApiProperty({ example: 42, description: 'Number of matches in all; see `total_relation`.' })
  total: number;

  @ApiProperty({ enum: ['eq', 'gte'], example: 'eq', description: '`eq`: exact. `gte`: at least that many (a filtered count stops at 10,000).' })
  total_relation: 'eq' | 'gte';

  @ApiProperty({ example: false })
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor: string | null;
}

/**
 * The DTO of a list of `Item`.
 *
 * @example export class PromoPageDto extends pageOf(PromoDto) {}
 */
export function pageOf<T>(item: Type<T>): Type<Paged<T>> {
  class PageDto implements Paged<T> {
    @ApiProperty({ type: [item] })
    data: T[];

    @ApiProperty({ type: PageMetaDto })
    meta: PageMetaDto;
  }
  return PageDto;
}

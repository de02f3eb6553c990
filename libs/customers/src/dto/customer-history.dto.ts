import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export class TimelineQueryDto {
  @IsOptional() @IsInt() @Min(1) @Max(100) @Type(() => Number)
  @ApiProperty({ required: false, minimum: 1, maximum: 100, default: 20, description: 'Entries per page.' })
  limit?: number;

  @IsOptional() @IsString() @MaxLength(512)
  @ApiProperty({ required: false, maxLength: 512, description: '`next_cursor` of the page before.' })
  cursor?: string;
}

export class TimelineEntryDto {
  @ApiProperty({ format: 'date-time' })
  at: string;

  /** Such as `event`, `consent`, `delivery`, `redemption`. */
  @ApiProperty({ example: 'event' })
  type: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  data: Record<string, unknown>;
}

export class TimelineMetaDto {
  @ApiProperty({ example: 20 })
  limit: number;

  @ApiProperty({ example: false })
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor: string | null;
}

export class TimelineDto {
  data: TimelineEntryDto[];
  meta: TimelineMetaDto;
}

export class CustomerExportDto {
  @ApiProperty({ example: 'cust_1001' })
  customer_id: string;

  /** By domain: everything that is kept of this person. Amounts that say `minor` are in minor units of the tenant's currency. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  data: Record<string, unknown>;
}

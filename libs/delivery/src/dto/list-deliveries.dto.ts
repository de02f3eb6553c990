import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQueryDto } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { DELIVERY_STATUSES, type DeliveryStatus } from './delivery.dto.js';

export class ListDeliveriesDto extends PageQueryDto {
  @ApiProperty({ enum: DELIVERY_STATUSES, required: false })
  @IsOptional() @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;

  @ApiProperty({ enum: CHANNELS, required: false })
  @IsOptional() @IsIn(CHANNELS)
  channel?: Channel;

  /** Only deliveries to this customer. */
  @IsOptional() @IsString() @MaxLength(255)
  customer_id?: string;

  /** Only deliveries of this variant of the content. */
  @IsOptional() @IsString() @MaxLength(40)
  variant?: string;
}

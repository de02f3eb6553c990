import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray } from 'class-validator';
import { FaultDto } from '#http';
import { BatchCustomerDto } from './upsert-customer.dto.js';

/** Rows are validated one by one, so that a bad one does not spoil the others. */
export class BatchCustomersDto {
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(1000)
  @ApiProperty({ type: [BatchCustomerDto], minItems: 1, maxItems: 1000 })
  customers: unknown[];
}

export const BATCH_STATUSES = ['created', 'updated', 'rejected'] as const;

export class BatchRowDto {
  /** Position in the request, from 0. */
  @ApiProperty({ type: 'integer', example: 0 })
  index: number;

  @ApiProperty({ type: String, nullable: true, example: 'cust_1001' })
  customer_id: string | null;

  @ApiProperty({ enum: BATCH_STATUSES, example: 'created' })
  status: (typeof BATCH_STATUSES)[number];

  /** Why it was rejected. */
  @ApiProperty({ type: [FaultDto], required: false })
  errors?: FaultDto[];
}

export class BatchResultDto {
  @ApiProperty({ type: 'integer', example: 1 })
  created: number;

  @ApiProperty({ type: 'integer', example: 0 })
  updated: number;

  @ApiProperty({ type: 'integer', example: 0 })
  rejected: number;

  results: BatchRowDto[];
}

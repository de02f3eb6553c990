import { ApiProperty } from '@nestjs/swagger';
import { type Stage, STAGES } from '#events';
import { FUNNEL_TYPES, type FunnelType } from '../funnel-types.js';

export class FunnelPeriodDto {
  /** First day, in the tenant's zone. */
  @ApiProperty({ format: 'date', example: '2026-01-01' })
  start: string;

  /** Last day, included. */
  @ApiProperty({ format: 'date', example: '2026-01-24' })
  end: string;
}

export class FunnelStageDto {
  @ApiProperty({ enum: STAGES, example: 'interest' })
  stage: Stage;

  /** Customers who reached the stage, having gone through those before it in order. */
  @ApiProperty({ type: 'integer', example: 6500 })
  count: number;

  /** Of the customers of the first stage; one decimal. */
  @ApiProperty({ example: 65 })
  percentage: number;

  /** Percentage points lost since the stage before; absent on the first stage. */
  @ApiProperty({ required: false, example: 35 })
  drop_off?: number;

  /** Median time from the stage before, over the customers who reached this one; null when nobody did, absent on the first stage. */
  @ApiProperty({ required: false, type: 'integer', nullable: true, example: 5400 })
  median_seconds_from_previous?: number | null;
}

export class FunnelDto {
  /** `custom` when the stages were named without a type. */
  @ApiProperty({ enum: [...FUNNEL_TYPES, 'custom'], example: 'onboarding' })
  funnel_type: FunnelType | 'custom';

  period: FunnelPeriodDto;

  stages: FunnelStageDto[];

  /** The percentage of the last stage. */
  @ApiProperty({ example: 9.8 })
  overall_conversion: number;
}

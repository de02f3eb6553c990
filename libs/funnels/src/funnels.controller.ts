import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { FunnelQueryDto } from './dto/funnel-query.dto.js';
import { FunnelDto } from './dto/funnel.dto.js';
import { FunnelsService } from './funnels.service.js';

@ApiTags('Funnels')
@Controller('funnels')
export class FunnelsController {
  constructor(private readonly funnels: FunnelsService) {}

  @Get()
  @Route({
    allow: 'funnels:read',
    summary: 'Get funnel metrics',
    description:
      'How many customers went through the stages in order. Each customer counts once, and counts in a stage when they reached it at or after the one before, ' +
      'all within the period: whole days of the tenant’s zone. `activation` is a customer’s second order ever, `retention` the third (`settings.funnels`).',
    returns: FunnelDto,
    example: {
      funnel_type: 'onboarding',
      period: { start: '2026-01-01', end: '2026-01-24' },
      stages: [
        { stage: 'awareness', count: 10000, percentage: 100 },
        { stage: 'interest', count: 6500, percentage: 65, drop_off: 35, median_seconds_from_previous: 5400 },
        { stage: 'consideration', count: 3200, percentage: 32, drop_off: 33, median_seconds_from_previous: 900 },
        { stage: 'purchase', count: 1200, percentage: 12, drop_off: 20, median_seconds_from_previous: 600 },
        { stage: 'activation', count: 980, percentage: 9.8, drop_off: 2.2, median_seconds_from_previous: 604800 },
      ],
      overall_conversion: 9.8,
    },
  })
  getFunnel(@CurrentTenant() tenant: Tenant, @Query() query: FunnelQueryDto): Promise<FunnelDto> {
    return this.funnels.metrics(tenant, query);
  }
}

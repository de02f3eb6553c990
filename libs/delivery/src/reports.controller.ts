import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { PageQueryDto, Route } from '#http';
import type { Tenant } from '#kernel';
import { DeliveryError } from './delivery.errors.js';
import { CampaignLinkPageDto, CampaignReportDto } from './dto/report.dto.js';
import { LINKS, REPORT } from './report.examples.js';
import { Reports } from './reports.service.js';

@ApiTags('Campaigns')
@Controller('campaigns/:campaign_id')
export class ReportsController {
  constructor(private readonly reports: Reports) {}

  @Get('report')
  @Route({
    allow: 'campaigns:read',
    summary: 'Get the report of a campaign',
    description:
      'Totals, and numbers per channel, day and variant, each rate with its confidence interval; which variant leads, and whether by more than chance explains; and, with `holdout_percent`, the lift over the control group. Counted on request, within 20 seconds; such requests take turns.',
    returns: CampaignReportDto,
    example: REPORT,
    errors: [DeliveryError.only('campaign_not_found')],
  })
  reportCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string) {
    return this.reports.report(tenant, campaignId);
  }

  @Get('links')
  @Route({
    allow: 'campaigns:read',
    summary: 'List the links of a campaign',
    description: 'Every tracked link with its clicks, once, whichever channels, languages and variants contain it. Empty before the start.',
    returns: CampaignLinkPageDto,
    example: LINKS,
    errors: [DeliveryError.only('campaign_not_found')],
  })
  listCampaignLinks(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Query() page: PageQueryDto) {
    return this.reports.links(tenant, campaignId, page);
  }
}

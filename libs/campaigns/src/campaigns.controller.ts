import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { IfMatch, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { PromoError } from '#promos';
import { CampaignError } from './campaign.errors.js';
import { CampaignLifecycle } from './campaign-lifecycle.js';
import { ACTIVE, BARE_DRAFT, CAMPAIGN_PAGE, CANCELED, COMPLETED, DRAFT, FLASH_SALE, IN_TWO_LANGUAGES, OWN_CODES, PAUSED, SCHEDULED, SUBJECT_TEST } from './campaigns.examples.js';
import { CampaignsService } from './campaigns.service.js';
import { CampaignDto, CampaignPageDto } from './dto/campaign.dto.js';
import { ListCampaignsQueryDto } from './dto/list-campaigns-query.dto.js';
import { CreateCampaignDto, CampaignScheduleDto, UpdateCampaignDto } from './dto/write-campaign.dto.js';

const UNKNOWN = CampaignError.only('campaign_not_found');
const WRITING = [CampaignError.only('segment_not_found', 'segment_too_large'), PromoError.only('promo_code_exists', 'invalid_promo_code')];
const FORBIDDEN_MOVE = CampaignError.only('campaign_not_found', 'invalid_state');
const HINDERED = CampaignError.only('sender_not_configured', 'channel_not_configured', 'promo_used_up');

@ApiTags('Campaigns')
@Controller('campaigns')
export class CampaignsController {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly lifecycle: CampaignLifecycle,
  ) {}

  @Get()
  @Route({
    allow: 'campaigns:read',
    summary: 'List campaigns',
    description: 'Newest first, with the four headline metrics. Filters combine.',
    returns: CampaignPageDto,
    example: CAMPAIGN_PAGE,
  })
  listCampaigns(@CurrentTenant() tenant: Tenant, @Query() query: ListCampaignsQueryDto) {
    return this.campaigns.list(tenant, query);
  }

  @Post()
  @Route({
    allow: 'campaigns:write',
    status: 201,
    summary: 'Create a campaign',
    description:
      'With a future `schedule.start_date` and content the campaign is `scheduled` at once, otherwise it is a `draft`. A start date in the past makes a draft with the warning `schedule_in_past`: nothing overdue is ever sent. `promo_code` is created with the campaign, or linked if it exists with the same percentage; the warning `promo_not_valid` says that it is not valid for the whole campaign.',
    returns: CampaignDto,
    versioned: true,
    example: SCHEDULED,
    bodies: { flash_sale: FLASH_SALE, languages: IN_TWO_LANGUAGES, own_codes: OWN_CODES, subject_test: SUBJECT_TEST, draft: BARE_DRAFT },
    errors: WRITING,
    idempotent: true,
  })
  createCampaign(@CurrentTenant() tenant: Tenant, @Body() written: CreateCampaignDto) {
    return this.campaigns.create(tenant, written);
  }

  @Get(':campaign_id')
  @Route({ allow: 'campaigns:read', summary: 'Get a campaign', description: 'With its segment, content and all metrics.', returns: CampaignDto, versioned: true, example: COMPLETED, errors: [UNKNOWN] })
  getCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string) {
    return this.campaigns.get(tenant, campaignId);
  }

  @Patch(':campaign_id')
  @Route({
    allow: 'campaigns:write',
    summary: 'Change a campaign',
    description:
      'A merge patch; lists, `send_window` and `ab_test` are replaced as a whole. Before the start everything may change, afterwards only the name. A scheduled campaign is checked again: a new start replaces the old one; without a future start or complete content it becomes a draft again, and `warnings` say why. A draft stays a draft until it is scheduled or started.',
    returns: CampaignDto,
    versioned: true,
    example: { ...SCHEDULED, name: 'Flash Sale Saturday' },
    bodies: { rename: { name: 'Flash Sale Saturday' }, text: { content: { subject: 'Last chance - 25% off', sms: { body: '25% off today: {{ promo_code }}' } }, priority: 5 } },
    errors: [FORBIDDEN_MOVE, ...WRITING],
    conditional: true,
  })
  updateCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Body() patch: UpdateCampaignDto, @IfMatch() ifMatch?: Versions) {
    return this.campaigns.update(tenant, campaignId, patch, ifMatch);
  }

  @Delete(':campaign_id')
  @Route({
    allow: 'campaigns:write',
    status: 204,
    summary: 'Delete a campaign',
    description: 'A draft, a scheduled or a completed one; cancel a running one first. What was delivered and ordered stays in the ledger.',
    errors: [FORBIDDEN_MOVE],
    conditional: true,
  })
  deleteCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @IfMatch() ifMatch?: Versions) {
    return this.campaigns.delete(tenant, campaignId, ifMatch);
  }

  @Post(':campaign_id/schedule')
  @ApiBody({ type: CampaignScheduleDto, required: false })
  @Route({
    allow: 'campaigns:write',
    summary: 'Schedule a campaign',
    description: 'Sets the start, or moves it. Dates that are left out stay as they are; the start must lie in the future, and the content must be complete. A worker starts the campaign at its time. If none could within 15 minutes, the campaign becomes a draft again, with the warning `schedule_missed`.',
    returns: CampaignDto,
    versioned: true,
    example: SCHEDULED,
    bodyOptional: true,
    bodies: { dates: { start_date: '2126-01-31T12:00:00Z', end_date: '2126-01-31T23:59:59Z' } },
    errors: [FORBIDDEN_MOVE, CampaignError.only('segment_not_found', 'segment_too_large')],
    conditional: true,
  })
  scheduleCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Body() dates: CampaignScheduleDto, @IfMatch() ifMatch?: Versions) {
    return this.lifecycle.schedule(tenant, campaignId, dates, ifMatch);
  }

  @Post(':campaign_id/start')
  @Route({
    allow: 'campaigns:write',
    summary: 'Start a campaign now',
    description: 'The audience is whoever is in the segment at this moment.',
    returns: CampaignDto,
    versioned: true,
    example: ACTIVE,
    errors: [FORBIDDEN_MOVE, HINDERED, CampaignError.only('segment_not_found', 'segment_too_large')],
    conditional: true,
  })
  startCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @IfMatch() ifMatch?: Versions) {
    return this.lifecycle.start(tenant, campaignId, ifMatch);
  }

  @Post(':campaign_id/pause')
  @Route({
    allow: 'campaigns:write',
    summary: 'Pause a campaign',
    description: 'From now on no message is handed to a provider.',
    returns: CampaignDto,
    versioned: true,
    example: PAUSED,
    errors: [FORBIDDEN_MOVE],
    conditional: true,
  })
  pauseCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @IfMatch() ifMatch?: Versions) {
    return this.lifecycle.pause(tenant, campaignId, ifMatch);
  }

  @Post(':campaign_id/resume')
  @Route({
    allow: 'campaigns:write',
    summary: 'Resume a campaign',
    description: 'Continues where the campaign was paused; nobody gets a message twice. If it was paused automatically, `warnings` say why, and the cause must be gone first: a missing sender or channel must be back, and a promo that is used up needs a higher `usage_limit` or `budget`. After a pause for its bounce or complaint rate, the rate is counted from zero.',
    returns: CampaignDto,
    versioned: true,
    example: ACTIVE,
    errors: [FORBIDDEN_MOVE, HINDERED],
    conditional: true,
  })
  resumeCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @IfMatch() ifMatch?: Versions) {
    return this.lifecycle.resume(tenant, campaignId, ifMatch);
  }

  @Post(':campaign_id/cancel')
  @Route({
    allow: 'campaigns:write',
    summary: 'Cancel a campaign',
    description: 'This is final: the campaign is `completed`, with `canceled_at`. Whoever has not been sent a message yet is skipped.',
    returns: CampaignDto,
    versioned: true,
    example: CANCELED,
    errors: [FORBIDDEN_MOVE],
    conditional: true,
  })
  cancelCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @IfMatch() ifMatch?: Versions) {
    return this.lifecycle.cancel(tenant, campaignId, ifMatch);
  }

  @Post(':campaign_id/duplicate')
  @Route({
    allow: 'campaigns:write',
    status: 201,
    createdUnder: '/campaigns',
    summary: 'Duplicate a campaign',
    description: 'A draft with the same audience, content and promo code, without the dates.',
    returns: CampaignDto,
    versioned: true,
    example: { ...DRAFT, name: 'Flash Sale Friday (copy)' },
    errors: [UNKNOWN, ...WRITING],
    idempotent: true,
  })
  duplicateCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string) {
    return this.campaigns.duplicate(tenant, campaignId);
  }
}

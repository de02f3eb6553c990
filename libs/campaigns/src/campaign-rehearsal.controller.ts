import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { DeliveryError } from '#delivery';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { CampaignError } from './campaign.errors.js';
import { CampaignRehearsal } from './campaign-rehearsal.js';
import { PREFLIGHT, PREVIEW, TESTED } from './campaigns.examples.js';
import { CampaignPreflightDto, CampaignPreviewDto, CampaignTestDto, PreviewCampaignDto, TestCampaignDto } from './dto/rehearsal.dto.js';

@ApiTags('Campaigns')
@Controller('campaigns/:campaign_id')
export class CampaignRehearsalController {
  constructor(private readonly rehearsal: CampaignRehearsal) {}

  @Post('preview')
  @Route({
    allow: 'campaigns:read',
    summary: 'Preview a campaign for a customer',
    description: 'The message of each channel as this customer would get it, and whether they would get it now. Nothing is kept; links lead straight to their targets.',
    returns: CampaignPreviewDto,
    example: PREVIEW,
    bodies: { customer: { customer_id: 'cust_1001' } },
    errors: [CampaignError.only('campaign_not_found'), DeliveryError.only('customer_not_found')],
  })
  previewCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Body() body: PreviewCampaignDto) {
    return this.rehearsal.preview(tenant, campaignId, body);
  }

  @Post('test')
  @Route({
    allow: 'campaigns:write',
    summary: 'Send a campaign to test addresses',
    description: 'To up to ten addresses at once, whatever the campaign’s state; emails say `[Test]` before their subject. Nothing of it is counted, and nothing is tried twice; what the provider has not answered in 20 seconds is `unknown`. A repeat under the same `Idempotency-Key` sends nothing: it gets the same answer, or 409 while there is none. Addresses that are suppressed are refused, and then nothing is sent at all.',
    returns: CampaignTestDto,
    example: TESTED,
    bodies: { email: { to: ['ada@example.com'], customer_id: 'cust_1001' } },
    idempotent: true,
    errors: [
      CampaignError.only('campaign_not_found', 'invalid_state'),
      DeliveryError.only('customer_not_found', 'sender_not_configured', 'channel_not_configured', 'address_suppressed', 'template_failed'),
    ],
  })
  testCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Body() body: TestCampaignDto) {
    return this.rehearsal.test(tenant, campaignId, body);
  }

  @Post('preflight')
  @Route({
    allow: 'campaigns:read',
    summary: 'Look ahead to a campaign',
    description: 'What would happen if it started at its time, or now: who would get it over each channel and who would not, and why; whom other campaigns are for, too; what the message prints and some customers lack. Not of a campaign that is completed. Writes nothing. Looks at the whole audience, for 30 seconds at most; such requests take turns.',
    returns: CampaignPreflightDto,
    example: PREFLIGHT,
    errors: [CampaignError.only('campaign_not_found', 'invalid_state')],
  })
  preflightCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string) {
    return this.rehearsal.preflight(tenant, campaignId);
  }
}

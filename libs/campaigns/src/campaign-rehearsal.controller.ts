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
    description: 'The message of each channel as this customer would get it, and whether they would get it now. Nothing is stored; links lead directly to their targets.',
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
    description: 'Sends to up to ten addresses, whatever the campaign’s status; subjects of emails begin with `[Test]`. Tests are not counted and not retried. If the provider has not answered within 20 seconds, the result is `unknown`. Repeating the request with the same `Idempotency-Key` sends nothing: it returns the same answer, or 409 while there is none. If any address is suppressed, nothing is sent at all.',
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
    description: 'What would happen if the campaign started at its time, or now: who would get it over each channel; who would not, and why; how many of them other campaigns address as well; and which fields the message prints that some customers lack. Not for a completed campaign. Writes nothing. Looks at the whole audience, for 30 seconds at most; such requests take turns.',
    returns: CampaignPreflightDto,
    example: PREFLIGHT,
    errors: [CampaignError.only('campaign_not_found', 'invalid_state')],
  })
  preflightCampaign(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string) {
    return this.rehearsal.preflight(tenant, campaignId);
  }
}

import { Injectable } from '@nestjs/common';
import { type EntityManager, In, Not } from 'typeorm';
import { Database } from '#database';
import { Delivery, type Draft, Preflight, Rehearsal } from '#delivery';
import { Begun } from '#http';
import { Clock, type Tenant, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import { assertMove, type CampaignWarning } from './campaign.js';
import { CampaignEntity } from './campaign.entity.js';
import { CampaignError } from './campaign.errors.js';
import { CampaignChecks } from './campaign-checks.js';
import { CampaignStore } from './campaign-store.js';
import type { CampaignPreflightDto, CampaignPreviewDto, CampaignTestDto, PreviewCampaignDto, TestCampaignDto } from './dto/rehearsal.dto.js';
import { missingContent } from './missing-content.js';

/** Most other campaigns to compare with. */
const RIVALS = 20;

/** Previews, tests and preflights of a campaign, before or after its start; they change nothing. */
@Injectable()
export class CampaignRehearsal {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly store: CampaignStore,
    private readonly checks: CampaignChecks,
    private readonly delivery: Delivery,
    private readonly rehearsal: Rehearsal,
    private readonly preflights: Preflight,
    private readonly clock: Clock,
  ) {}

  preview(tenant: Tenant, campaignId: string, { customer_id, variant }: PreviewCampaignDto): Promise<CampaignPreviewDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.load(tx, tenant, campaignId);
      const winner = (await this.delivery.testOf(tx, tenant, campaign.campaignNo))?.winner;
      return { customer_id, ...(await this.rehearsal.preview(tx, tenant, { ...draftOf(campaign, variant), winner }, customer_id)) };
    });
  }

  async test(tenant: Tenant, campaignId: string, { to, channel, customer_id, variant }: TestCampaignDto): Promise<CampaignTestDto> {
    const over = channel ?? 'email';
    const { work } = await this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.load(tx, tenant, campaignId);
      const draft = draftOf(campaign, variant);
      if (!campaign.channels.includes(over)) throw validationFailed([{ pointer: '/channel', code: 'not_in_campaign', detail: `The campaign does not go over ${over}: name one of ${campaign.channels.join(', ')}.` }]);
      const errors = missingContent(campaign.content, [over], campaign.options);
      if (errors.length > 0) throw new CampaignError('invalid_state', { detail: 'The content lacks what the channel needs; see `errors`.', errors });
      const test = await this.rehearsal.write(tx, tenant, draft, over, to, customer_id ?? undefined);
      return new Begun(test, { results: this.rehearsal.untold(test) } satisfies CampaignTestDto);
    });
    return { results: await this.rehearsal.send(tenant, work) };
  }

  async preflight(tenant: Tenant, campaignId: string): Promise<CampaignPreflightDto> {
    const { found, channels, shared } = await this.preflights.look(tenant, async (tx) => {
      const campaign = await this.store.load(tx, tenant, campaignId);
      assertMove(campaign.status, 'preflight');
      const rivals = await tx.find(CampaignEntity, {
        where: { tenantId: tenant.id, status: In(['active', 'paused', 'scheduled']), campaignNo: Not(campaign.campaignNo) },
        order: { campaignNo: 'DESC' },
        take: RIVALS,
      });
      const plan = { ...draftOf(campaign), segmentNo: campaign.segmentNo, startAt: campaign.startAt };
      return { plan, rivals, others: [...new Set(rivals.map(({ segmentNo }) => segmentNo))], warnings: await this.warnings(tx, tenant, campaign) };
    });
    const overlaps = found.rivals.map(({ campaignId: campaign_id, name, status, segmentNo }) => ({ campaign_id, name, status, customers: shared.get(segmentNo) ?? 0 }));
    return { channels, overlaps: overlaps.filter(({ customers }) => customers > 0).sort((a, b) => b.customers - a.customers), warnings: found.warnings };
  }

  private async warnings(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity): Promise<CampaignWarning[]> {
    const { content, channels, options, startAt } = campaign;
    const missing = missingContent(content, channels, options).map(({ detail }) => ({ code: 'content_missing', detail }));
    const now = this.clock.now();
    const refusals = await this.checks.refusals(tx, tenant, campaign, await this.settings.of(tx, tenant), startAt !== null && startAt > now ? startAt : now);
    return [...missing, ...refusals.flatMap(({ code, message, context: { errors } }) => (errors ?? [{ detail: message }]).map(({ detail }) => ({ code, detail })))];
  }
}

/** @throws RequestError validation_failed for a variant that it does not have */
function draftOf(campaign: CampaignEntity, variant?: string | null): Draft {
  const { campaignId, campaignNo, type, channels, content, promoCode, endAt: endsAt, options } = campaign;
  if (variant && !options.variants?.some(({ id }) => id === variant)) throw validationFailed([{ pointer: '/variant', code: 'unknown_variant', detail: `The campaign has no variant ${variant}.` }]);
  return { campaignId, campaignNo, type, channels, content, promoCode, endsAt, options, ...(variant && { variant }) };
}

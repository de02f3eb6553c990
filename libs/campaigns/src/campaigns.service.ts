import { Injectable } from '@nestjs/common';
import { Database, readBoundedTotal } from '#database';
import { Delivery } from '#delivery';
import { assertVersion, type Versioned, type Versions } from '#http';
import { Clock, newId, type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import { SettingsService } from '#tenants';
import { assertMove, isEditable } from './campaign.js';
import { CampaignEntity } from './campaign.entity.js';
import { CampaignError } from './campaign.errors.js';
import { CampaignChecks } from './campaign-checks.js';
import { CampaignEditor } from './campaign-editor.js';
import { CampaignScheduler } from './campaign-scheduler.js';
import { CampaignStore } from './campaign-store.js';
import { type CampaignKey, type CampaignRow, isCampaignKey, isKept, pageStatements } from './campaigns.queries.js';
import { bookingOf } from './schedule.js';
import { type CampaignDto, CampaignSummaryDto } from './dto/campaign.dto.js';
import type { ListCampaignsQueryDto } from './dto/list-campaigns-query.dto.js';
import type { CreateCampaignDto, UpdateCampaignDto } from './dto/write-campaign.dto.js';

/** Creates, reads, changes and deletes campaigns; {@link CampaignLifecycle} moves them between their states. */
@Injectable()
export class CampaignsService {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly checks: CampaignChecks,
    private readonly editor: CampaignEditor,
    private readonly scheduler: CampaignScheduler,
    private readonly store: CampaignStore,
    private readonly delivery: Delivery,
    private readonly clock: Clock,
  ) {}

  async list(tenant: Tenant, query: ListCampaignsQueryDto): Promise<Paged<CampaignSummaryDto>> {
    const window = pageWindow<CampaignKey>(query, 'campaigns', isCampaignKey);
    const [rows, [counted]] = await this.database.read<[CampaignRow[], { total: number }[]]>(tenant, ...pageStatements(tenant, query, window, this.delivery.metricsSql('c')));
    const total = isKept(query) ? ({ count: counted!.total, relation: 'eq' } as const) : readBoundedTotal(counted!.total);
    return toPage(rows, window, total, (row) => CampaignSummaryDto.from(row), (row) => [row.campaign_no]);
  }

  get(tenant: Tenant, campaignId: string): Promise<Versioned<CampaignDto>> {
    return this.database.inTenant(tenant, async (tx) => this.store.show(tx, tenant, await this.store.load(tx, tenant, campaignId), await this.settings.of(tx, tenant)));
  }

  create(tenant: Tenant, written: CreateCampaignDto): Promise<Versioned<CampaignDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const [surroundings, campaignNo] = await Promise.all([this.checks.surroundings(tx, tenant, written.segment_id), this.store.nextNumber(tx)]);
      const campaign = this.blank(tenant, campaignNo);
      const segment = await this.editor.edit(tx, tenant, campaign, written, surroundings);
      await this.scheduler.settle(tx, tenant, campaign, surroundings.settings, true);
      await this.store.insert(tx, tenant, campaign);
      return this.store.show(tx, tenant, campaign, surroundings.settings, segment);
    });
  }

  /** A draft like it, to be scheduled on its own. Excluded segments are checked when it starts, like those of any draft: one that is gone by now should not keep anybody from copying the rest. */
  duplicate(tenant: Tenant, campaignId: string): Promise<Versioned<CampaignDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const { name, type, channels, segmentId, content, priority, options, promoCode, promoDiscount } = await this.store.load(tx, tenant, campaignId);
      const [surroundings, campaignNo] = await Promise.all([this.checks.surroundings(tx, tenant, segmentId), this.store.nextNumber(tx)]);
      const copy = Object.assign(this.blank(tenant, campaignNo), { options });
      const written = { name: `${name.slice(0, 193)} (copy)`, type, channels, segment_id: segmentId, content, priority, promo_code: promoCode, promo_discount_percent: promoDiscount && promoDiscount / 100 };
      const segment = await this.editor.edit(tx, tenant, copy, written, surroundings);
      await this.store.insert(tx, tenant, copy);
      return this.store.show(tx, tenant, copy, surroundings.settings, segment);
    });
  }

  update(tenant: Tenant, campaignId: string, patch: UpdateCampaignDto, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lock(tx, tenant, campaignId);
      assertVersion(ifMatch, campaign.version);
      const surroundings = await this.checks.surroundings(tx, tenant, patch.segment_id ?? campaign.segmentId);
      const { settings } = surroundings;
      if (isEditable(campaign.status)) {
        const scheduled = campaign.status === 'scheduled';
        const booked = scheduled ? bookingOf(campaign) : null;
        await this.editor.edit(tx, tenant, campaign, patch, surroundings);
        await this.scheduler.settle(tx, tenant, campaign, settings, scheduled, booked);
      } else {
        const fixed = Object.keys(patch).filter((member) => member !== 'name');
        if (fixed.length > 0) {
          const errors = fixed.map((member) => ({ pointer: `/${member}`, code: 'invalid_state', detail: `${member} is fixed once the campaign has started.` }));
          throw new CampaignError('invalid_state', { detail: `Of a campaign that is ${campaign.status} only the name may change.`, errors });
        }
        campaign.name = patch.name ?? campaign.name;
      }
      await this.store.save(tx, campaign);
      return this.store.show(tx, tenant, campaign, settings);
    });
  }

  /** Its deliveries, clicks and orders stay in the ledger. */
  delete(tenant: Tenant, campaignId: string, ifMatch?: Versions): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lock(tx, tenant, campaignId);
      assertVersion(ifMatch, campaign.version);
      assertMove(campaign.status, 'delete');
      await this.store.remove(tx, tenant, campaign);
    });
  }

  private blank(tenant: Tenant, campaignNo: number): CampaignEntity {
    const now = this.clock.now();
    return Object.assign(new CampaignEntity(), {
      tenantId: tenant.id,
      campaignNo,
      campaignId: newId('camp', now.getTime()),
      status: 'draft',
      content: null,
      priority: 0,
      options: {},
      startAt: null,
      endAt: null,
      scheduleVersion: 0,
      promoId: null,
      promoCode: null,
      promoDiscount: null,
      warnings: [],
      startedAt: null,
      completedAt: null,
      canceledAt: null,
      createdAt: now,
      updatedAt: now,
      version: 1,
    } satisfies Partial<CampaignEntity>);
  }
}

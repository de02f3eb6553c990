import { Injectable } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, In, Not } from 'typeorm';
import { Delivery, METRICS } from '#delivery';
import { Versioned } from '#http';
import { Clock, type Tenant } from '#kernel';
import { type Segment, Segments } from '#segments';
import type { Settings } from '#tenants';
import { CampaignEntity } from './campaign.entity.js';
import { CampaignError } from './campaign.errors.js';
import { type CounterRow, countersOf, INSERT_CAMPAIGN, insertValues } from './campaigns.queries.js';
import { CampaignDto } from './dto/campaign.dto.js';

/** Loads, saves and shows campaigns, within a transaction of their tenant. */
@Injectable()
export class CampaignStore {
  constructor(
    private readonly segments: Segments,
    private readonly delivery: Delivery,
    private readonly clock: Clock,
  ) {}

  /** @throws CampaignError campaign_not_found */
  async load(tx: EntityManager, tenant: Tenant, campaignId: string): Promise<CampaignEntity> {
    return found(await tx.findOneBy(CampaignEntity, { tenantId: tenant.id, campaignId }));
  }

  /**
   * The campaign, held until the transaction ends.
   *
   * @throws CampaignError campaign_not_found
   */
  async lock(tx: EntityManager, tenant: Tenant, campaignId: string): Promise<CampaignEntity> {
    return found(await this.lockIf(tx, { tenantId: tenant.id, campaignId }));
  }

  /** The same if it is as `where` says, else null. */
  lockIf(tx: EntityManager, where: FindOptionsWhere<CampaignEntity>): Promise<CampaignEntity | null> {
    return tx.findOne(CampaignEntity, { where, lock: { mode: 'pessimistic_write' } });
  }

  /** The number for a new campaign, taken beforehand so that all its rows can be sent together. */
  async nextNumber(tx: EntityManager): Promise<number> {
    const [next] = await tx.query<{ no: number }[]>(`SELECT nextval('campaigns_campaign_no_seq')::int AS no`);
    return next!.no;
  }

  async insert(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity): Promise<void> {
    await Promise.all([tx.query(INSERT_CAMPAIGN, insertValues(campaign)), this.delivery.registerCampaign(tx, tenant, campaign.campaignId, campaign.campaignNo)]);
  }

  async remove(tx: EntityManager, tenant: Tenant, { campaignNo }: CampaignEntity): Promise<void> {
    await this.delivery.forgetCampaign(tx, tenant, campaignNo);
    await tx.delete(CampaignEntity, { tenantId: tenant.id, campaignNo });
  }

  /** Which campaign still needs the segment, in words; null when none does. */
  async segmentUse(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<string | null> {
    const user = await tx.findOneBy(CampaignEntity, { tenantId: tenant.id, segmentNo, status: In(['scheduled', 'active', 'paused']) });
    if (user !== null) return `Campaign ${user.campaignId} is ${user.status} for it.`;
    const [excluding] = await tx.query<{ campaign_id: string; status: string }[]>(EXCLUDING, [tenant.id, segmentNo]);
    return excluding === undefined ? null : `Campaign ${excluding.campaign_id} is ${excluding.status} and leaves out its members.`;
  }

  /** Whether another campaign that is not over announces the same promo. */
  sharesPromo(tx: EntityManager, { tenantId, campaignNo, promoId }: CampaignEntity): Promise<boolean> {
    return tx.existsBy(CampaignEntity, { tenantId, status: Not('completed'), promoId: promoId!, campaignNo: Not(campaignNo) });
  }

  /** Writes every member, under the next version. */
  async save(tx: EntityManager, campaign: CampaignEntity): Promise<void> {
    campaign.version += 1;
    campaign.updatedAt = this.clock.now();
    const { tenantId, campaignNo, ...members } = campaign;
    await tx.update(CampaignEntity, { tenantId, campaignNo }, members);
  }

  /** The campaign as callers see it, with its counters. */
  async show(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, settings: Settings, known?: Segment): Promise<Versioned<CampaignDto>> {
    const segment = known ?? (await this.segments.get(tx, tenant, campaign.segmentId));
    const shown = { id: campaign.segmentId, name: segment?.name ?? campaign.segmentName, size: segment?.size ?? 0 };
    const counters = campaign.startedAt === null ? NOTHING_YET : await this.counters(tx, campaign);
    const test = campaign.startedAt === null || campaign.options.ab_test === undefined ? null : await this.delivery.testOf(tx, tenant, campaign.campaignNo);
    return new Versioned(CampaignDto.from(campaign, shown, counters, settings.currency, test), campaign.version);
  }

  private async counters(tx: EntityManager, { tenantId, campaignNo }: CampaignEntity): Promise<CounterRow> {
    const [counters] = await tx.query<CounterRow[]>(countersOf(this.delivery.metricsSql('c')), [tenantId, campaignNo]);
    return counters!;
  }
}

const EXCLUDING = `
  SELECT c.campaign_id, c.status FROM campaigns c JOIN segments s ON s.tenant_id = $1 AND s.segment_no = $2
   WHERE c.tenant_id = $1 AND c.status IN ('scheduled', 'active', 'paused') AND c.options->'exclude_segment_ids' ? s.segment_id LIMIT 1`;

/** The counters of a campaign before its start. */
const NOTHING_YET = Object.fromEntries(METRICS.map((metric) => [metric, null])) as CounterRow;

function found(campaign: CampaignEntity | null): CampaignEntity {
  if (campaign === null) throw new CampaignError('campaign_not_found');
  return campaign;
}

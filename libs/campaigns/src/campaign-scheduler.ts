import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { jobType, Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { Promos } from '#promos';
import type { Settings } from '#tenants';
import type { CampaignWarning } from './campaign.js';
import type { CampaignEntity } from './campaign.entity.js';
import { CampaignChecks } from './campaign-checks.js';
import { missingContent } from './missing-content.js';
import { bookingOf, firstStart, promoWarning, stateOf, warning } from './schedule.js';

export interface StartCampaign {
  campaign_id: string;
  schedule_version: number;
  /** When the job was to run. */
  due: string;
  /** The tenant's zone at that time, for a start by the recipients' clocks: the time that its clock shows at the start is the one that theirs must show. */
  timezone?: string;
}

/** Starts the campaign, unless its schedule has changed since this was queued. Retried for hours; a job that runs too late starts nothing. */
export const START_CAMPAIGN = jobType<StartCampaign>('campaign-start', { retries: 50, concurrency: 2 });

/** Decides whether a saved campaign is scheduled, and queues its start. */
@Injectable()
export class CampaignScheduler {
  constructor(
    private readonly checks: CampaignChecks,
    private readonly promos: Promos,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /**
   * Sets status and warnings after the campaign was changed. The start is queued in the same transaction; queuing it again
   * makes the earlier job do nothing.
   *
   * @param wanted whether it is meant to be scheduled: a new campaign, or one that was until now
   * @param booked the {@link bookingOf} for which a job is already queued
   */
  async settle(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, settings: Settings, wanted: boolean, booked: string | null = null): Promise<void> {
    const complete = missingContent(campaign.content, campaign.channels, campaign.options).length === 0;
    const { status, warnings } = stateOf(campaign, complete, wanted, this.clock.now());
    campaign.status = status;
    campaign.warnings = warnings;
    if (campaign.promoId !== null) campaign.warnings.push(...(await this.promoWarnings(tx, tenant, campaign, campaign.promoId)));
    if (status !== 'scheduled') return;
    const hindrance = await this.checks.notReady(tx, tenant, campaign, settings);
    if (hindrance !== null) campaign.warnings.push({ code: hindrance.code, detail: hindrance.message });
    if (booked === bookingOf(campaign)) return;
    const now = this.clock.now();
    const first = firstStart(campaign, settings.timezone);
    if (first < now) campaign.warnings.push(warning('local_time_passed'));
    const due = first < now ? now : first;
    campaign.scheduleVersion += 1;
    const job = { campaign_id: campaign.campaignId, schedule_version: campaign.scheduleVersion, due: due.toISOString(), ...(campaign.options.local_time && { timezone: settings.timezone }) };
    await this.jobs.enqueue(tx, tenant, START_CAMPAIGN, job, { startAfter: due });
  }

  private async promoWarnings(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, promoId: string): Promise<CampaignWarning[]> {
    const warning = promoWarning(campaign, await this.promos.validity(tx, tenant, promoId), this.clock.now());
    return warning === null ? [] : [warning];
  }
}

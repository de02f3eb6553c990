import { Injectable, Logger, OnModuleInit } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { Database } from '#database';
import { Delivery, MAILING_FINISHED, MAILING_HELD, type MailingOptions } from '#delivery';
import { assertVersion, type Versioned, type Versions } from '#http';
import { Jobs } from '#jobs';
import { Clock, DomainError, type Tenant, validationFailed } from '#kernel';
import { type Settings, SettingsService } from '#tenants';
import { assertMove, type CampaignStatus, type CampaignWarning, type Move } from './campaign.js';
import type { CampaignEntity } from './campaign.entity.js';
import { CampaignError } from './campaign.errors.js';
import { CAMPAIGN_MOVED, moveOf } from './campaign.events.js';
import { CampaignChecks, untimely } from './campaign-checks.js';
import { CampaignEditor, promoDates } from './campaign-editor.js';
import { CampaignScheduler, START_CAMPAIGN, type StartCampaign } from './campaign-scheduler.js';
import { CampaignStore } from './campaign-store.js';
import { missingContent } from './missing-content.js';
import type { CampaignDto } from './dto/campaign.dto.js';
import type { CampaignScheduleDto } from './dto/write-campaign.dto.js';
import { endsAfterStart, OVERDUE, wallClock, warning } from './schedule.js';
import { variantFaults } from './variant-faults.js';

/** Moves campaigns between their states, each under the lock of its row and in one transaction with what delivery does about it. */
@Injectable()
export class CampaignLifecycle implements OnModuleInit {
  private readonly logger = new Logger(CampaignLifecycle.name);

  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly store: CampaignStore,
    private readonly editor: CampaignEditor,
    private readonly checks: CampaignChecks,
    private readonly scheduler: CampaignScheduler,
    private readonly delivery: Delivery,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(START_CAMPAIGN, (tenant, job) => this.startScheduled(tenant, job));
    this.jobs.subscribe(MAILING_FINISHED, 'campaigns', (tenant, { campaign_id }) => this.complete(tenant, campaign_id));
    this.jobs.subscribe(MAILING_HELD, 'campaigns', (tenant, { campaign_id, code, detail }) => this.hold(tenant, campaign_id, { code, detail }));
  }

  /** @throws RequestError validation_failed when there is no future start; CampaignError when the campaign is not complete */
  schedule(tenant: Tenant, campaignId: string, dates: CampaignScheduleDto, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.move(tenant, campaignId, 'schedule', ifMatch, async (tx, campaign, settings) => {
      const before = promoDates(campaign);
      this.editor.editSchedule(campaign, dates);
      if (campaign.startAt === null) throw validationFailed([{ pointer: '/start_date', code: 'required', detail: 'start_date is needed: the campaign has none yet.' }]);
      if (campaign.startAt <= this.clock.now()) throw validationFailed([{ pointer: '/start_date', code: 'schedule_in_past', detail: 'start_date must lie in the future.' }]);
      if (!endsAfterStart(campaign)) throw validationFailed([{ pointer: '/end_date', code: 'after_start', detail: 'end_date must be later than start_date.' }]);
      const [fault] = variantFaults(campaign);
      if (fault) throw validationFailed([{ ...fault, pointer: fault.code === 'not_local_time' ? '/local_time' : '/end_date' }]);
      assertComplete(campaign);
      this.checks.mailable(await this.checks.surroundings(tx, tenant, campaign.segmentId), campaign.channels);
      await this.editor.movePromo(tx, tenant, campaign, before);
      await this.checks.excludable(tx, tenant, campaign.options.exclude_segment_ids ?? []);
      await this.scheduler.settle(tx, tenant, campaign, settings, true);
    });
  }

  start(tenant: Tenant, campaignId: string, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.move(tenant, campaignId, 'start', ifMatch, (tx, campaign) => this.launch(tx, tenant, campaign));
  }

  pause(tenant: Tenant, campaignId: string, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.move(tenant, campaignId, 'pause', ifMatch, async (tx, campaign) => {
      await this.delivery.pause(tx, tenant, campaign.campaignNo);
      campaign.status = 'paused';
    });
  }

  resume(tenant: Tenant, campaignId: string, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.move(tenant, campaignId, 'resume', ifMatch, async (tx, campaign, settings) => {
      const hindrance = await this.checks.notReady(tx, tenant, campaign, settings);
      if (hindrance !== null) throw hindrance;
      await this.delivery.resume(tx, tenant, campaign.campaignNo);
      Object.assign(campaign, { status: 'active', warnings: [] } satisfies Partial<CampaignEntity>);
    });
  }

  cancel(tenant: Tenant, campaignId: string, ifMatch?: Versions): Promise<Versioned<CampaignDto>> {
    return this.move(tenant, campaignId, 'cancel', ifMatch, async (tx, campaign) => {
      if (campaign.status !== 'scheduled') await this.delivery.cancel(tx, tenant, campaign.campaignNo);
      const now = this.clock.now();
      Object.assign(campaign, { status: 'completed', canceledAt: now, completedAt: now, warnings: [] } satisfies Partial<CampaignEntity>);
    });
  }

  private move(
    tenant: Tenant,
    campaignId: string,
    move: Move,
    ifMatch: Versions | undefined,
    work: (tx: EntityManager, campaign: CampaignEntity, settings: Settings) => Promise<void>,
  ): Promise<Versioned<CampaignDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lock(tx, tenant, campaignId);
      assertVersion(ifMatch, campaign.version);
      assertMove(campaign.status, move);
      const settings = await this.settings.of(tx, tenant);
      const { status } = campaign;
      await work(tx, campaign, settings);
      await this.save(tx, tenant, campaign, status);
      return this.store.show(tx, tenant, campaign, settings);
    });
  }

  /**
   * Checks the campaign against every rule once more, and hands it to delivery.
   *
   * @param timezone for a start by the recipients' clocks: the tenant's zone when it was scheduled
   */
  private async launch(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, timezone?: string): Promise<void> {
    const now = this.clock.now();
    assertComplete(campaign);
    const late = untimely(campaign, now);
    if (late !== null) throw late;
    const surroundings = await this.checks.surroundings(tx, tenant, campaign.segmentId);
    await this.checks.excludable(tx, tenant, campaign.options.exclude_segment_ids ?? []);
    const segment = this.checks.mailable(surroundings, campaign.channels);
    const hindrance = await this.checks.notReady(tx, tenant, campaign, surroundings.settings);
    if (hindrance !== null) throw hindrance;
    if (campaign.startAt !== null && campaign.startAt > now) {
      const dates = promoDates(campaign);
      await this.editor.movePromo(tx, tenant, campaign, dates, { ...dates, validFrom: now }); // it starts early, so its code must be valid early
    }
    const { campaignId, campaignNo, name, type, channels, content, promoId, promoCode, endAt: endsAt, priority } = campaign;
    const options: MailingOptions = timezone === undefined ? campaign.options : { ...campaign.options, local_start: { wall_clock: wallClock(campaign, timezone), timezone, started_at: now.toISOString() } };
    await this.delivery.start(tx, tenant, { campaignId, campaignNo, name, type, channels, segmentNo: segment.no, content: content ?? {}, promoId, promoCode, endsAt, priority, options });
    Object.assign(campaign, { status: 'active', startedAt: now, warnings: [], segmentNo: segment.no, segmentName: segment.name } satisfies Partial<CampaignEntity>);
  }

  /** The job of a scheduled start. If it comes too late, or a rule refuses it by now, the campaign becomes a draft again, with the reason: nothing overdue is sent, and nothing is retried for ever. */
  private async startScheduled(tenant: Tenant, { campaign_id: campaignId, schedule_version: scheduleVersion, due, timezone }: StartCampaign): Promise<void> {
    try {
      await this.scheduled(tenant, campaignId, scheduleVersion, async (tx, campaign) => {
        const planned = Math.min(campaign.startAt!.getTime(), Date.parse(due));
        if (this.clock.now().getTime() - planned > OVERDUE) backToDraft(campaign, warning('schedule_missed'));
        else await this.launch(tx, tenant, campaign, timezone);
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.logger.warn({ msg: 'a scheduled campaign did not start', tenant: tenant.name, campaign_id: campaignId, code: error.code });
      await this.scheduled(tenant, campaignId, scheduleVersion, async (_, campaign) => backToDraft(campaign, { code: error.code, detail: error.message }));
    }
  }

  /** Works on the campaign if its schedule has not changed: a job may run twice, or after the campaign was rescheduled. */
  private scheduled(tenant: Tenant, campaignId: string, scheduleVersion: number, work: (tx: EntityManager, campaign: CampaignEntity) => Promise<void>): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lockIf(tx, { tenantId: tenant.id, campaignId, status: 'scheduled', scheduleVersion });
      if (campaign === null) return;
      await work(tx, campaign);
      await this.save(tx, tenant, campaign, 'scheduled');
    });
  }

  /** Follows the sender, which has paused the mailing, unless somebody has paused, resumed or canceled the campaign since. */
  private async hold(tenant: Tenant, campaignId: string, why: CampaignWarning): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lockIf(tx, { tenantId: tenant.id, campaignId, status: 'active' });
      if (campaign === null || !(await this.delivery.isPaused(tx, tenant, campaign.campaignNo))) return;
      Object.assign(campaign, { status: 'paused', warnings: [why] } satisfies Partial<CampaignEntity>);
      await this.save(tx, tenant, campaign, 'active');
    });
  }

  private async complete(tenant: Tenant, campaignId: string): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const campaign = await this.store.lockIf(tx, { tenantId: tenant.id, campaignId, status: In(['active', 'paused']) });
      if (campaign === null) return; // canceled or deleted meanwhile
      const { status } = campaign;
      Object.assign(campaign, { status: 'completed', completedAt: this.clock.now() } satisfies Partial<CampaignEntity>);
      await this.save(tx, tenant, campaign, status);
    });
  }

  /** Saves the campaign, and publishes its move, if there was one. */
  private async save(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, before: CampaignStatus): Promise<void> {
    await this.store.save(tx, campaign);
    const move = moveOf(before, campaign);
    if (move !== null) await this.jobs.publish(tx, tenant, CAMPAIGN_MOVED, move);
  }
}

/** @throws CampaignError invalid_state, naming what the content lacks */
function assertComplete(campaign: CampaignEntity): void {
  const errors = missingContent(campaign.content, campaign.channels, campaign.options);
  if (errors.length > 0) throw new CampaignError('invalid_state', { detail: 'The content lacks what its channels need; see `errors`.', errors });
}

function backToDraft(campaign: CampaignEntity, why: CampaignWarning): void {
  campaign.status = 'draft';
  campaign.warnings = [why];
}

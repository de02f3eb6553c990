import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { contentsSent, Delivery } from '#delivery';
import { type Fault, mergePatch, type Tenant, validationFailed } from '#kernel';
import { type CampaignDates, Promos } from '#promos';
import type { Segment } from '#segments';
import type { CampaignEntity } from './campaign.entity.js';
import { CampaignChecks, type Surroundings } from './campaign-checks.js';
import { CampaignStore } from './campaign-store.js';
import type { Content, MailingOptions } from '#delivery';
import type { CreateCampaignDto, UpdateCampaignDto } from './dto/write-campaign.dto.js';
import { endsAfterStart } from './schedule.js';
import { variantFaults } from './variant-faults.js';

/** How long to try out the templates of a campaign and its variants, in milliseconds, since this blocks the only thread. */
const TRYING_MS = 300;

/** Applies what a caller wrote to a campaign, and checks the result against the rules. */
@Injectable()
export class CampaignEditor {
  constructor(
    private readonly checks: CampaignChecks,
    private readonly promos: Promos,
    private readonly delivery: Delivery,
    private readonly store: CampaignStore,
  ) {}

  /**
   * Changes `campaign` in place.
   *
   * @param surroundings of the segment that it names afterwards
   * @returns the segment it names now
   * @throws RequestError validation_failed; CampaignError segment_not_found, segment_too_large; PromoError promo_code_exists, invalid_promo_code
   */
  async edit(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, written: CreateCampaignDto | UpdateCampaignDto, surroundings: Surroundings): Promise<Segment> {
    const { name, type, channels, priority, content, schedule, holdout_percent, stop_rules, utm, delivery_mode, send_window, variants, ab_test } = written;
    const exclude_segment_ids = written.exclude_segment_ids?.length === 0 ? null : written.exclude_segment_ids;
    const before = { code: campaign.promoCode, discount: campaign.promoDiscount, unique: campaign.options.unique_promo_codes, dates: promoDates(campaign) };
    Object.assign(campaign, defined({ name, type, channels, priority }));
    if (content !== undefined) campaign.content = content === null ? null : mergePatch<Content>(campaign.content, content);
    campaign.options = mergePatch<MailingOptions>(campaign.options, { holdout_percent, stop_rules, utm, delivery_mode, send_window, exclude_segment_ids, variants, ab_test });
    if (written.unique_promo_codes !== undefined) campaign.options = mergePatch<MailingOptions>(campaign.options, { unique_promo_codes: written.unique_promo_codes || null });
    this.editSchedule(campaign, schedule);
    if (written.promo_code !== undefined) campaign.promoCode = written.promo_code;
    if (written.promo_discount_percent !== undefined) {
      campaign.promoDiscount = written.promo_discount_percent === null ? null : Math.round(written.promo_discount_percent * 100);
    }
    const faults = this.faults(campaign);
    if (faults.length > 0) throw validationFailed(faults);
    await this.checks.excludable(tx, tenant, exclude_segment_ids ?? []); // those that it named before are checked again when it starts
    const segment = this.checks.mailable(surroundings, campaign.channels);
    Object.assign(campaign, { segmentNo: segment.no, segmentId: segment.id, segmentName: segment.name });
    if (campaign.promoCode !== before.code || campaign.promoDiscount !== before.discount || campaign.options.unique_promo_codes !== before.unique) await this.attachPromo(tx, tenant, campaign);
    else await this.movePromo(tx, tenant, campaign, before.dates);
    return segment;
  }

  /** `schedule` is a merge patch of its own: null removes all of it, a date left out stays. */
  editSchedule(campaign: CampaignEntity, schedule: UpdateCampaignDto['schedule']): void {
    if (schedule === undefined) return;
    const { start_date, end_date, local_time } = schedule ?? { start_date: null, end_date: null, local_time: null };
    if (start_date !== undefined) campaign.startAt = start_date === null ? null : new Date(start_date);
    if (end_date !== undefined) campaign.endAt = end_date === null ? null : new Date(end_date);
    campaign.options = mergePatch<MailingOptions>(campaign.options, { local_time: local_time === false ? null : local_time });
  }

  /**
   * Keeps the dates of the promo that was created with the campaign equal to the campaign's. A promo shared with another campaign is not changed.
   *
   * @param before the dates of the campaign so far
   * @param now the dates from here on
   */
  async movePromo(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, before: CampaignDates, now: CampaignDates = promoDates(campaign)): Promise<void> {
    const moved = before.validFrom?.getTime() !== now.validFrom?.getTime() || before.validUntil?.getTime() !== now.validUntil?.getTime();
    if (campaign.promoId === null || !moved || (await this.store.sharesPromo(tx, campaign))) return;
    await this.promos.follow(tx, tenant, campaign.promoId, before, now);
  }

  private faults(campaign: CampaignEntity): Fault[] {
    const faults: Fault[] = this.contentFaults(campaign);
    if (!endsAfterStart(campaign)) faults.push({ pointer: '/schedule/end_date', code: 'after_start', detail: 'end_date must be later than start_date.' });
    faults.push(...optionFaults(campaign), ...variantFaults(campaign));
    if ((campaign.promoCode === null) !== (campaign.promoDiscount === null)) {
      const pointer = campaign.promoCode === null ? '/promo_code' : '/promo_discount_percent';
      faults.push({ pointer, code: 'required', detail: 'promo_code and promo_discount_percent go together.' });
    }
    if (campaign.options.unique_promo_codes && campaign.promoCode === null && campaign.promoDiscount === null) {
      faults.push({ pointer: '/unique_promo_codes', code: 'promo_required', detail: 'unique_promo_codes needs promo_code and promo_discount_percent: they are codes of that promo.' });
    }
    return faults;
  }

  /** Faults of the content, and those of variants that the content does not have itself. */
  private contentFaults({ content, channels, options: { variants } }: CampaignEntity): Fault[] {
    const until = performance.now() + TRYING_MS;
    const faults = content === null ? [] : this.delivery.validateContent(content, channels, until);
    const known = new Set(faults.map(({ pointer, code }) => `${pointer} ${code}`));
    for (const sent of variants === undefined ? [] : contentsSent(content, variants)) {
      const own = this.delivery.validateContent(sent.content, channels, until).filter(({ pointer, code }) => !known.has(`${pointer} ${code}`));
      faults.push(...own.map((fault) => ({ ...fault, pointer: `${sent.pointer}${fault.pointer!.slice('/content'.length)}` })));
    }
    return faults;
  }

  private async attachPromo(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity): Promise<void> {
    if (campaign.promoCode === null || campaign.promoDiscount === null) {
      campaign.promoId = null;
      return;
    }
    const promo = await this.promos.attachToCampaign(tx, tenant, {
      code: campaign.promoCode,
      percent: campaign.promoDiscount / 100,
      unique: campaign.options.unique_promo_codes ?? false,
      ...promoDates(campaign),
    });
    campaign.promoId = promo.promoId;
    campaign.promoCode = promo.code;
  }
}

function optionFaults({ options: { send_window, delivery_mode, local_time } }: CampaignEntity): Fault[] {
  const faults: Fault[] = [];
  if (send_window !== undefined && send_window.start === send_window.end) faults.push({ pointer: '/send_window/end', code: 'empty_window', detail: 'end must differ from start.' });
  if (delivery_mode === 'continuous' && local_time) faults.push({ pointer: '/schedule/local_time', code: 'not_continuous', detail: 'A continuous campaign writes to each when they enter the segment; a send_window tells at which hours.' });
  return faults;
}

/** When a promo created with the campaign is valid. */
export const promoDates = ({ startAt, endAt }: CampaignEntity): CampaignDates => ({ validFrom: startAt, validUntil: endAt });

const defined = <T extends object>(members: T): Partial<T> => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;

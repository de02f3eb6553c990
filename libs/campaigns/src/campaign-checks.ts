import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Delivery } from '#delivery';
import type { Tenant } from '#kernel';
import { type Segment, Segments } from '#segments';
import { type Channel, type Settings, SettingsService } from '#tenants';
import { isEditable } from './campaign.js';
import type { CampaignEntity } from './campaign.entity.js';
import { CampaignError } from './campaign.errors.js';
import { endsBeforeWinner } from './variant-faults.js';

/** The tenant's settings, and the segment a campaign names, if there is one. */
export interface Surroundings {
  settings: Settings;
  segment: Segment | null;
}

/** Checks what a campaign depends on: its segments, its channels, its sender, its promo. */
@Injectable()
export class CampaignChecks {
  constructor(
    private readonly segments: Segments,
    private readonly settings: SettingsService,
    private readonly delivery: Delivery,
  ) {}

  /** The tenant's settings and the segment, which is locked; both are read in one round trip. */
  async surroundings(tx: EntityManager, tenant: Tenant, segmentId: string): Promise<Surroundings> {
    const [settings, segment] = await Promise.all([this.settings.of(tx, tenant), this.segments.hold(tx, tenant, segmentId)]);
    return { settings, segment };
  }

  /**
   * The segment, if there is one and it may be mailed over all the channels.
   *
   * @throws CampaignError segment_not_found, segment_too_large
   */
  mailable(surroundings: Surroundings, channels: readonly Channel[]): Segment {
    const refusal = unmailable(surroundings, channels);
    if (refusal !== null) throw refusal;
    return surroundings.segment!;
  }

  /**
   * Locks the segments whose members are left out, so that they cannot be deleted meanwhile.
   *
   * @throws CampaignError segment_not_found
   */
  async excludable(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[]): Promise<void> {
    const refusal = unexcludable(await this.segments.holdAll(tx, tenant, segmentIds), segmentIds);
    if (refusal !== null) throw refusal;
  }

  /** Everything except missing content for which a start would be refused, as far as it can be known now. Locks nothing. */
  async refusals(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, settings: Settings, start: Date): Promise<CampaignError[]> {
    const { channels, segmentId, options: { exclude_segment_ids: excluded = [] } } = campaign;
    const hindrance = await this.notReady(tx, tenant, campaign, settings);
    if (!isEditable(campaign.status)) return hindrance === null ? [] : [hindrance]; // the rest was checked when it started
    const segment = await this.segments.get(tx, tenant, segmentId);
    const known = await this.segments.known(tx, tenant, excluded);
    return [untimely(campaign, start), unexcludable(known, excluded), unmailable({ settings, segment }, channels), hindrance].filter((refusal) => refusal !== null);
  }

  /** Why nothing could be sent now, or null. A reason to refuse a start or a resumption, and a warning before it. */
  async notReady(tx: EntityManager, tenant: Tenant, campaign: CampaignEntity, settings: Settings): Promise<CampaignError | null> {
    const hindrance = await this.delivery.hindrance(tx, tenant, campaign, settings);
    return hindrance && new CampaignError(hindrance.code, { detail: hindrance.detail, params: hindrance.params });
  }
}

function unmailable({ settings, segment }: Surroundings, channels: readonly Channel[]): CampaignError | null {
  const at = { pointer: '/segment_id' };
  if (segment === null) return new CampaignError('segment_not_found', { errors: [{ ...at, code: 'segment_not_found', detail: 'There is no such segment.' }] });
  const errors = channels
    .map((channel) => ({ channel, size: segment.size, max: settings.max_segment_size[channel] }))
    .filter(({ size, max }) => size > max)
    .map((over) => ({ ...at, code: 'segment_too_large', detail: `The segment has ${over.size} customers; ${over.channel} takes ${over.max}.`, ...over }));
  return errors.length === 0 ? null : new CampaignError('segment_too_large', { errors });
}

function unexcludable(known: ReadonlySet<string>, segmentIds: readonly string[]): CampaignError | null {
  const errors = segmentIds.flatMap((id, at) => (known.has(id) ? [] : [{ pointer: `/exclude_segment_ids/${at}`, code: 'segment_not_found', detail: `There is no segment ${id} to leave out.` }]));
  return errors.length === 0 ? null : new CampaignError('segment_not_found', { errors });
}

/** Why the campaign would be over too soon, or null. */
export function untimely(campaign: CampaignEntity, start: Date): CampaignError | null {
  if (campaign.endAt !== null && campaign.endAt <= start) return new CampaignError('invalid_state', { detail: 'Its end date has passed: change the schedule first.' });
  if (endsBeforeWinner(campaign, start)) return new CampaignError('invalid_state', { detail: 'It would be over before the winner of its ab_test is known: change the schedule first.' });
  return null;
}

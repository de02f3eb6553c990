import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Delivery } from '#delivery';
import type { Tenant } from '#kernel';
import { type Segment, Segments } from '#segments';
import { type Channel, type Settings, SettingsService } from '#tenants';
import { CampaignError } from './campaign.errors.js';

/** The tenant's settings, and the segment a campaign names, if there is one. */
export interface Surroundings {
  settings: Settings;
  segment: Segment | null;
}

/** What must be true of the world around a campaign: its segment, its channels, its sender. */
@Injectable()
export class CampaignChecks {
  constructor(
    private readonly segments: Segments,
    private readonly settings: SettingsService,
    private readonly delivery: Delivery,
  ) {}

  /** What a campaign for the segment must know, with the segment held; both are asked for in one round trip. */
  async surroundings(tx: EntityManager, tenant: Tenant, segmentId: string): Promise<Surroundings> {
    const [settings, segment] = await Promise.all([this.settings.of(tx, tenant), this.segments.hold(tx, tenant, segmentId)]);
    return { settings, segment };
  }

  /**
   * The segment, if there is one and it may be mailed over all the channels.
   *
   * @throws CampaignError segment_not_found, segment_too_large
   */
  mailable({ settings, segment }: Surroundings, channels: readonly Channel[]): Segment {
    const at = { pointer: '/segment_id' };
    if (segment === null) {
      throw new CampaignError('segment_not_found', { errors: [{ ...at, code: 'segment_not_found', detail: 'There is no such segment.' }] });
    }
    const errors = channels
      .map((channel) => ({ channel, size: segment.size, max: settings.max_segment_size[channel] }))
      .filter(({ size, max }) => size > max)
      .map((over) => ({ ...at, code: 'segment_too_large', detail: `The segment has ${over.size} customers; ${over.channel} takes ${over.max}.`, ...over }));
    if (errors.length > 0) throw new CampaignError('segment_too_large', { errors });
    return segment;
  }

  /**
   * Holds the segments whose members are left out.
   *
   * @throws CampaignError segment_not_found
   */
  async excludable(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[]): Promise<void> {
    const known = await this.segments.holdAll(tx, tenant, segmentIds);
    const errors = segmentIds.flatMap((id, at) => (known.has(id) ? [] : [{ pointer: `/exclude_segment_ids/${at}`, code: 'segment_not_found', detail: 'There is no such segment.' }]));
    if (errors.length > 0) throw new CampaignError('segment_not_found', { errors });
  }

  /** Why nothing could be sent now, or null. A reason to refuse a start, and a warning before it. */
  async notReady(tx: EntityManager, tenant: Tenant, channels: readonly Channel[], settings: Settings): Promise<CampaignError | null> {
    const hindrance = await this.delivery.hindrance(tx, tenant, channels, settings);
    return hindrance && new CampaignError(hindrance.code, { detail: hindrance.detail, params: hindrance.params });
  }
}

import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import type { Channel } from '#tenants';
import type { CampaignStatus, CampaignType, CampaignWarning } from './campaign.js';
import type { Content, MailingOptions } from '#delivery';

@Entity('campaigns')
@Unique('campaigns_campaign_id', ['tenantId', 'campaignId'])
@Check('campaigns_type_check', `type IN ('onboarding', 'reengagement', 'promotion', 'newsletter', 'transactional', 'loyalty')`)
@Check('campaigns_status_check', `status IN ('draft', 'scheduled', 'active', 'paused', 'completed')`)
@Check('campaigns_channels_check', `cardinality(channels) > 0 AND channels <@ ARRAY['email', 'sms', 'push']`)
@Check('campaigns_promo_discount_check', 'promo_discount > 0 AND promo_discount <= 10000')
@Check('campaigns_dates', 'end_at > start_at')
@Index('campaigns_status', ['tenantId', 'status', 'campaignNo'])
@Index('campaigns_type', ['tenantId', 'type', 'campaignNo'])
@Index('campaigns_start', ['tenantId', 'startAt'])
@Index('campaigns_segment', { synchronize: false })
@Index('campaigns_email', { synchronize: false })
@Index('campaigns_sms', { synchronize: false })
@Index('campaigns_push', { synchronize: false })
export class CampaignEntity {
  @PrimaryColumn('int', { name: 'tenant_id' })
  tenantId: number;

  /** The ordinal that the ledger's rows carry; newest last. */
  @PrimaryColumn('int', { name: 'campaign_no', generated: 'identity', generatedIdentity: 'BY DEFAULT' })
  campaignNo: number;

  @Column('text', { name: 'campaign_id' })
  campaignId: string;

  @Column('text')
  name: string;

  @Column('text')
  type: CampaignType;

  @Column('text')
  status: CampaignStatus;

  @Column('text', { array: true })
  channels: Channel[];

  @Column('int', { name: 'segment_no' })
  segmentNo: number;

  @Column('text', { name: 'segment_id' })
  segmentId: string;

  /** The segment's name when the campaign was last saved: what is shown after the segment is gone. */
  @Column('text', { name: 'segment_name' })
  segmentName: string;

  @Column('jsonb', { nullable: true })
  content: Content | null;

  @Column('int')
  priority: number;

  @Column('jsonb', { default: {} })
  options: MailingOptions;

  @Column('timestamptz', { name: 'start_at', nullable: true })
  startAt: Date | null;

  @Column('timestamptz', { name: 'end_at', nullable: true })
  endAt: Date | null;

  /** Counts schedulings: a start job of an earlier one finds another number and does nothing. */
  @Column('int', { name: 'schedule_version' })
  scheduleVersion: number;

  @Column('text', { name: 'promo_id', nullable: true })
  promoId: string | null;

  @Column('text', { name: 'promo_code', nullable: true })
  promoCode: string | null;

  /** Basis points: 2500 is 25 %. */
  @Column('int', { name: 'promo_discount', nullable: true })
  promoDiscount: number | null;

  @Column('jsonb')
  warnings: CampaignWarning[];

  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt: Date | null;

  @Column('timestamptz', { name: 'canceled_at', nullable: true })
  canceledAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('int')
  version: number;
}

import { ApiProperty } from '@nestjs/swagger';
import { DELIVERY_MODES, type DeliveryMode, type StopRules, type TestState } from '#delivery';
import { pageOf } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { CAMPAIGN_STATUSES, CAMPAIGN_TYPES, type CampaignStatus, type CampaignType } from '../campaign.js';
import type { CampaignEntity } from '../campaign.entity.js';
import type { CampaignRow, CounterRow } from '../campaigns.queries.js';
import { CampaignAbTestDto } from './campaign-ab-test.dto.js';
import { CampaignMetricsDto, CampaignSummaryMetricsDto } from './campaign-metrics.dto.js';
import { CampaignContentDto } from './content.dto.js';
import { CampaignVariantDto, SendWindowDto, UtmDto } from './write-campaign.dto.js';

/** What a campaign is, in a list and alone. */
class CampaignBaseDto {
  @ApiProperty({ example: 'camp_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  @ApiProperty({ example: 'Flash Sale Friday' })
  name: string;

  @ApiProperty({ enum: CAMPAIGN_TYPES })
  type: CampaignType;

  @ApiProperty({ enum: CAMPAIGN_STATUSES })
  status: CampaignStatus;

  @ApiProperty({ enum: CHANNELS, isArray: true, example: ['push', 'email'] })
  channels: Channel[];

  @ApiProperty({ example: 'seg_all_customers' })
  segment_id: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-06-01T00:00:00Z' })
  start_date: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-08-31T23:59:59Z' })
  end_date: string | null;
}

export class CampaignSummaryDto extends CampaignBaseDto {
  @ApiProperty({ type: CampaignSummaryMetricsDto })
  metrics: CampaignSummaryMetricsDto;

  static from(row: CampaignRow): CampaignSummaryDto {
    return {
      id: row.campaign_id,
      name: row.name,
      type: row.type,
      status: row.status,
      channels: row.channels,
      segment_id: row.segment_id,
      start_date: instant(row.start_at),
      end_date: instant(row.end_at),
      metrics: CampaignSummaryMetricsDto.from(row),
    };
  }
}

export class CampaignPageDto extends pageOf(CampaignSummaryDto) {}

export class CampaignSegmentDto {
  @ApiProperty({ example: 'seg_all_customers' })
  id: string;

  @ApiProperty({ example: 'All Customers' })
  name: string;

  @ApiProperty({ example: 5420, description: 'Current number of members; 0 if the segment has been deleted.' })
  size: number;
}

export class CampaignDatesDto {
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  start_date: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  end_date: string | null;

  @ApiProperty({ example: false, description: 'Whether `start_date` means each recipient’s own clock.' })
  local_time: boolean;
}

export class CampaignWarningDto {
  @ApiProperty({
    example: 'schedule_in_past',
    description: '`schedule_in_past`, `schedule_missed`, `local_time_passed` (for some recipients the start has already passed by their own clock: they are skipped), `content_missing`, `promo_not_valid` (the promo code is paused, archived, or not valid for the whole campaign), or the code with which a start would be refused.',
  })
  code: string;

  @ApiProperty({ example: 'The start date is in the past, so the campaign stays a draft: schedule it again, or start it.' })
  detail: string;
}

export class CampaignStopRulesDto {
  @ApiProperty({ type: Number, nullable: true, example: 5 })
  bounce_rate: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 0.1 })
  complaint_rate: number | null;

  @ApiProperty({ example: true })
  promo_budget: boolean;

  static from({ bounce_rate, complaint_rate, promo_budget = false }: StopRules): CampaignStopRulesDto {
    return { bounce_rate: bounce_rate ?? null, complaint_rate: complaint_rate ?? null, promo_budget };
  }
}

export class CampaignDto extends CampaignBaseDto {
  @ApiProperty({ type: CampaignSegmentDto })
  segment: CampaignSegmentDto;

  @ApiProperty({ type: CampaignContentDto, nullable: true })
  content: CampaignContentDto | null;

  @ApiProperty({ type: CampaignDatesDto, description: 'The same dates, in the form in which they are written.' })
  schedule: CampaignDatesDto;

  @ApiProperty({ type: String, nullable: true, example: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  promo_id: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'FLASH25' })
  promo_code: string | null;

  @ApiProperty({ type: Number, nullable: true, example: 25 })
  promo_discount_percent: number | null;

  @ApiProperty({ example: false, description: 'Whether each recipient has a code of their own.' })
  unique_promo_codes: boolean;

  @ApiProperty({ example: 0 })
  priority: number;

  @ApiProperty({ type: Number, nullable: true, example: 10 })
  holdout_percent: number | null;

  @ApiProperty({ type: CampaignStopRulesDto, nullable: true })
  stop_rules: CampaignStopRulesDto | null;

  @ApiProperty({ type: UtmDto, nullable: true })
  utm: UtmDto | null;

  @ApiProperty({ enum: DELIVERY_MODES })
  delivery_mode: DeliveryMode;

  @ApiProperty({ type: SendWindowDto, nullable: true })
  send_window: SendWindowDto | null;

  @ApiProperty({ type: [String], example: [] })
  exclude_segment_ids: string[];

  @ApiProperty({ type: [CampaignVariantDto], example: [] })
  variants: CampaignVariantDto[];

  @ApiProperty({ type: CampaignAbTestDto, nullable: true })
  ab_test: CampaignAbTestDto | null;

  @ApiProperty({
    type: [CampaignWarningDto],
    description: 'What to look at before it starts, or why it was paused automatically: `sender_not_configured`, `channel_not_configured`, `channel_refused`, or by its stop rules `bounce_rate_exceeded`, `complaint_rate_exceeded`, `promo_used_up`. Empty if all is well.',
  })
  warnings: CampaignWarningDto[];

  @ApiProperty({ type: CampaignMetricsDto })
  metrics: CampaignMetricsDto;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-01-25T10:00:00Z' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-01-25T10:00:00Z' })
  updated_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  started_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  completed_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Set when it was canceled; its status is then `completed`.' })
  canceled_at: string | null;

  static from(campaign: CampaignEntity, segment: CampaignSegmentDto, counters: CounterRow, currency: string, test: TestState | null): CampaignDto {
    const [start, end] = [instant(campaign.startAt), instant(campaign.endAt)];
    return {
      id: campaign.campaignId,
      name: campaign.name,
      type: campaign.type,
      status: campaign.status,
      channels: campaign.channels,
      segment_id: campaign.segmentId,
      segment,
      content: campaign.content,
      start_date: start,
      end_date: end,
      schedule: { start_date: start, end_date: end, local_time: campaign.options.local_time ?? false },
      promo_id: campaign.promoId,
      promo_code: campaign.promoCode,
      promo_discount_percent: campaign.promoDiscount === null ? null : campaign.promoDiscount / 100,
      unique_promo_codes: campaign.options.unique_promo_codes ?? false,
      priority: campaign.priority,
      holdout_percent: campaign.options.holdout_percent ?? null,
      stop_rules: campaign.options.stop_rules === undefined ? null : CampaignStopRulesDto.from(campaign.options.stop_rules),
      utm: campaign.options.utm ?? null,
      delivery_mode: campaign.options.delivery_mode ?? 'broadcast',
      send_window: campaign.options.send_window ?? null,
      exclude_segment_ids: campaign.options.exclude_segment_ids ?? [],
      variants: (campaign.options.variants) ?? [],
      ab_test: campaign.options.ab_test === undefined ? null : CampaignAbTestDto.from(campaign.options.ab_test, test),
      warnings: campaign.warnings,
      metrics: CampaignMetricsDto.from(counters, currency),
      created_at: campaign.createdAt.toISOString(),
      updated_at: campaign.updatedAt.toISOString(),
      started_at: instant(campaign.startedAt),
      completed_at: instant(campaign.completedAt),
      canceled_at: instant(campaign.canceledAt),
    };
  }
}

const instant = (at: Date | null): string | null => at?.toISOString() ?? null;

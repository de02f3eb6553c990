import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { AB_METRICS, type AbMetric } from '../options.js';
import { WINNER_REASONS, type WinnerReason } from '../winner.js';

export const VERDICTS = ['enough', 'not_enough_data'] as const;
export type Verdict = (typeof VERDICTS)[number];

export class ReportIntervalDto {
  @ApiProperty({ example: 13.65 })
  low: number;

  @ApiProperty({ example: 17.98 })
  high: number;
}

/** A rate in percent, with its 95 % confidence interval (Wilson score). */
export class ReportRateDto {
  @ApiProperty({ type: Number, nullable: true, example: 15.7, description: 'Null if there is nobody to count.' })
  rate: number | null;

  @ApiProperty({ type: ReportIntervalDto })
  interval: ReportIntervalDto;
}

/** Customers, each counted once; for a channel, its messages. */
export class ReportNumbersDto {
  @ApiProperty({ example: 1084 })
  sent: number;

  @ApiProperty({ example: 1076 })
  delivered: number;

  @ApiProperty({ example: 436 })
  opened: number;

  @ApiProperty({ example: 169 })
  clicked: number;

  @ApiProperty({ example: 31 })
  converted: number;

  @ApiProperty({ example: 2 })
  unsubscribed: number;

  @ApiProperty({ example: 0 })
  bounced: number;

  @ApiProperty({ example: 0 })
  failed: number;

  @ApiProperty({ example: 0 })
  complained: number;

  @ApiProperty({ example: 0 })
  skipped: number;

  @ApiProperty({ example: 0 })
  unknown: number;

  @ApiProperty({ example: 0 })
  machine_opened: number;

  @ApiProperty({ example: 930, description: 'Attributed orders, net of refunds, in the tenant’s currency.' })
  revenue_attributed: number;

  @ApiProperty({ type: ReportRateDto, description: 'In relation to `delivered`, like all rates here.' })
  open_rate: ReportRateDto;

  @ApiProperty({ type: ReportRateDto })
  click_rate: ReportRateDto;

  @ApiProperty({ type: ReportRateDto })
  conversion_rate: ReportRateDto;
}

export class ReportChannelDto extends ReportNumbersDto {
  @ApiProperty({ enum: CHANNELS })
  channel: Channel;
}

export class ReportVariantDto extends ReportNumbersDto {
  @ApiProperty({ example: 'personal' })
  variant: string;

  @ApiProperty({ example: 1 })
  weight: number;
}

/** What happened for the first time to customers on this day of the tenant’s calendar. */
export class ReportDayDto {
  @ApiProperty({ format: 'date', example: '2026-01-31' })
  date: string;

  @ApiProperty({ example: 1084 })
  sent: number;

  @ApiProperty({ example: 401 })
  opened: number;

  @ApiProperty({ example: 150 })
  clicked: number;

  @ApiProperty({ example: 24 })
  converted: number;

  @ApiProperty({ example: 2 })
  unsubscribed: number;

  @ApiProperty({ example: 0 })
  bounced: number;

  @ApiProperty({ example: 0 })
  complained: number;

  @ApiProperty({ example: 720 })
  revenue_attributed: number;
}

/** Which variant leads, and whether by more than chance explains. */
export class ReportLeaderDto {
  @ApiProperty({ enum: AB_METRICS })
  metric: AbMetric;

  @ApiProperty({ type: String, nullable: true, example: 'personal', description: 'The variant with the highest rate; null if all rates are zero.' })
  variant: string | null;

  @ApiProperty({ enum: VERDICTS, description: '`enough`: its rate differs from that of every other variant by more than chance explains (95 % confidence, corrected for the number of comparisons).' })
  verdict: Verdict;
}

export class AbStandingDto {
  @ApiProperty({ example: 'personal' })
  variant: string;

  @ApiProperty({ example: 108 })
  delivered: number;

  @ApiProperty({ example: 19, description: 'How many of those did what the test measures.' })
  achieved: number;
}

/** The state of the test. */
export class ReportAbTestDto {
  @ApiProperty({ enum: AB_METRICS })
  metric: AbMetric;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T12:00:10Z' })
  sample_sent_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T16:00:10Z' })
  decides_at: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'personal' })
  winner: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T16:00:10Z' })
  decided_at: string | null;

  @ApiProperty({ type: String, nullable: true, enum: [...WINNER_REASONS, null], description: '`tie`: several had the highest rate, and the one listed first won. `not_enough_data`: nobody did what the test measures, and the first variant won.' })
  reason: WinnerReason | null;

  @ApiProperty({ type: [AbStandingDto], description: 'The numbers that decided it.' })
  standings: AbStandingDto[];
}

export class ReportPartyDto extends ReportRateDto {
  @ApiProperty({ example: 4878 })
  customers: number;

  @ApiProperty({ example: 201, description: 'Who placed an order within the attribution window after they were admitted or held out. Any order counts, since a control group has no attributed ones.' })
  converted: number;
}

/**
 * What the campaign achieved: everybody it was meant for, compared with the control group of `holdout_percent`. Each customer counts once, whatever the number of
 * channels. Customers whose message the provider refused, or may not have taken, belong to the treated as well, because the control group was drawn
 * from all of them. So this is the lift of sending the campaign, not of receiving it.
 */
export class ReportLiftDto {
  @ApiProperty({ example: 7 })
  window_days: number;

  @ApiProperty({ type: ReportPartyDto, description: 'Customers who passed the checks of consent, suppression, hours and cap and were not held out, whatever became of the message: `sent`, `failed`, `unknown`, or skipped as `duplicate_address`. A customer merged from both groups counts here.' })
  treated: ReportPartyDto;

  @ApiProperty({ type: ReportPartyDto, description: 'Customers who passed the same checks at the same moment, and were held out.' })
  control: ReportPartyDto;

  @ApiProperty({ type: Number, nullable: true, example: 31.8, description: 'How many percent more of the treated ordered; null if nobody in the control group did.' })
  lift_percent: number | null;

  @ApiProperty({ type: ReportIntervalDto, description: 'The 95 % confidence interval of the difference of the two rates, in percentage points (Newcombe).' })
  interval: ReportIntervalDto;

  @ApiProperty({ enum: VERDICTS, description: '`enough`: the difference is more than chance explains. Otherwise there may be one that these numbers cannot show.' })
  verdict: Verdict;
}

export class CampaignReportDto {
  @ApiProperty({ example: 'camp_001' })
  campaign_id: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-02-02T09:00:00Z' })
  as_of: string;

  @ApiProperty({ example: 'America/New_York', description: 'The time zone of the days in `per_day`.' })
  timezone: string;

  @ApiProperty({ type: ReportNumbersDto })
  totals: ReportNumbersDto;

  @ApiProperty({ type: [ReportChannelDto] })
  per_channel: ReportChannelDto[];

  @ApiProperty({ type: [ReportDayDto], description: 'Days on which anything happened, oldest first; the latest 400.' })
  per_day: ReportDayDto[];

  @ApiProperty({ type: [ReportVariantDto], description: 'In the campaign’s order. After a test, the winner’s numbers include the sample and the rest.' })
  per_variant: ReportVariantDto[];

  @ApiProperty({ type: [ReportLeaderDto], description: 'For each metric. After a test, by its sample only, since only there chance decided who got which variant.' })
  leaders: ReportLeaderDto[];

  @ApiProperty({ type: ReportAbTestDto, nullable: true })
  ab_test: ReportAbTestDto | null;

  @ApiProperty({ type: ReportLiftDto, nullable: true, description: 'Null if the campaign has no `holdout_percent`.' })
  lift: ReportLiftDto | null;
}

export class CampaignLinkDto {
  @ApiProperty({ example: 'https://order.example.com/menu', description: 'As written in the content.' })
  url: string;

  @ApiProperty({ example: 845, description: 'All clicks by people.' })
  clicks: number;

  @ApiProperty({ example: 801, description: 'How many different customers clicked it.' })
  customers: number;

  @ApiProperty({ example: 32, description: 'Clicks by scanners and prefetchers; counted in neither of the others.' })
  machine_clicks: number;
}

export class CampaignLinkPageDto extends pageOf(CampaignLinkDto) {}

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

/** Percent, and between which bounds the true rate lies with 95 % confidence (Wilson’s score interval). */
export class ReportRateDto {
  @ApiProperty({ type: Number, nullable: true, example: 15.7, description: 'Null where there is nobody to count.' })
  rate: number | null;

  @ApiProperty({ type: ReportIntervalDto })
  interval: ReportIntervalDto;
}

/** Customers, each counted once; of a channel, its messages. */
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

  @ApiProperty({ type: ReportRateDto, description: 'Of those delivered to, as all rates here.' })
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

/** What happened first to customers on this day of the tenant’s calendar. */
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

/** Which variant leads, and whether by more than chance. */
export class ReportLeaderDto {
  @ApiProperty({ enum: AB_METRICS })
  metric: AbMetric;

  @ApiProperty({ type: String, nullable: true, example: 'personal', description: 'With the highest rate; null where none has any.' })
  variant: string | null;

  @ApiProperty({ enum: VERDICTS, description: '`enough`: its rate differs from each other variant’s by more than chance makes (95 %, allowing for the number of comparisons).' })
  verdict: Verdict;
}

export class AbStandingDto {
  @ApiProperty({ example: 'personal' })
  variant: string;

  @ApiProperty({ example: 108 })
  delivered: number;

  @ApiProperty({ example: 19, description: 'Of those, how many did what the test goes by.' })
  achieved: number;
}

/** Where the test stands. */
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

  @ApiProperty({ type: String, nullable: true, enum: [...WINNER_REASONS, null], description: '`tie`: the first listed of those with the highest rate; `not_enough_data`: nobody did it, and the first of all went out.' })
  reason: WinnerReason | null;

  @ApiProperty({ type: [AbStandingDto], description: 'What it was decided by.' })
  standings: AbStandingDto[];
}

export class ReportPartyDto extends ReportRateDto {
  @ApiProperty({ example: 4878 })
  customers: number;

  @ApiProperty({ example: 201, description: 'Who placed an order within the days of attribution from when they were to be written to, or held out: any order, since a control group has no attributed ones.' })
  converted: number;
}

/**
 * What the campaign did: everybody it was to be written to, beside the control group of `holdout_percent`, each customer once however many channels there are.
 * Whom the provider refused, or of whom nobody knows whether it took the message, is among the treated as much as whom it reached: chance drew the control group
 * from all of these. So the lift is that of sending the campaign, not of having got it.
 */
export class ReportLiftDto {
  @ApiProperty({ example: 7 })
  window_days: number;

  @ApiProperty({ type: ReportPartyDto, description: 'Who passed consent, suppression, hours and cap and was not held out, whatever became of the message: `sent`, `failed`, `unknown`, or skipped as `duplicate_address`. Who was merged from both groups is here.' })
  treated: ReportPartyDto;

  @ApiProperty({ type: ReportPartyDto, description: 'Who passed the same at the same moment, and was held out.' })
  control: ReportPartyDto;

  @ApiProperty({ type: Number, nullable: true, example: 31.8, description: 'By how many percent more of them order; null where nobody of the control group did.' })
  lift_percent: number | null;

  @ApiProperty({ type: ReportIntervalDto, description: 'Of the difference of both rates, in percentage points, with 95 % confidence (Newcombe’s).' })
  interval: ReportIntervalDto;

  @ApiProperty({ enum: VERDICTS, description: '`enough`: the difference is more than chance makes. Otherwise there may be one that these numbers cannot show.' })
  verdict: Verdict;
}

export class CampaignReportDto {
  @ApiProperty({ example: 'camp_001' })
  campaign_id: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-02-02T09:00:00Z' })
  as_of: string;

  @ApiProperty({ example: 'America/New_York', description: 'Whose days `per_day` has.' })
  timezone: string;

  @ApiProperty({ type: ReportNumbersDto })
  totals: ReportNumbersDto;

  @ApiProperty({ type: [ReportChannelDto] })
  per_channel: ReportChannelDto[];

  @ApiProperty({ type: [ReportDayDto], description: 'Days on which anything happened, oldest first, the latest 400.' })
  per_day: ReportDayDto[];

  @ApiProperty({ type: [ReportVariantDto], description: 'As the campaign lists them. After a test the winner’s are the sample and the rest.' })
  per_variant: ReportVariantDto[];

  @ApiProperty({ type: [ReportLeaderDto], description: 'By each metric, of the variants; after a test by its sample alone, in which chance decided who got what.' })
  leaders: ReportLeaderDto[];

  @ApiProperty({ type: ReportAbTestDto, nullable: true })
  ab_test: ReportAbTestDto | null;

  @ApiProperty({ type: ReportLiftDto, nullable: true, description: 'Null without `holdout_percent`.' })
  lift: ReportLiftDto | null;
}

export class CampaignLinkDto {
  @ApiProperty({ example: 'https://order.example.com/menu', description: 'As it is written in the content.' })
  url: string;

  @ApiProperty({ example: 845, description: 'By people, every one of them.' })
  clicks: number;

  @ApiProperty({ example: 801, description: 'Who clicked it.' })
  customers: number;

  @ApiProperty({ example: 32, description: 'By scanners and prefetchers; in neither of the others.' })
  machine_clicks: number;
}

export class CampaignLinkPageDto extends pageOf(CampaignLinkDto) {}

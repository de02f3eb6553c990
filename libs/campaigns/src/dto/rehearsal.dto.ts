import { MESSAGE_FAULTS, PREFLIGHT_REASONS, type PreflightReason } from '#delivery';
import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { type Channel, CHANNELS } from '#tenants';
import { CAMPAIGN_STATUSES, type CampaignStatus } from '../campaign.js';
import { CampaignWarningDto } from './campaign.dto.js';

export class PreviewCampaignDto {
  /** Whose messages to show. */
  @IsString() @Length(1, 255)
  @ApiProperty({ minLength: 1, maxLength: 255, example: 'cust_1001' })
  customer_id: string;

  /** In a campaign with `variants`: show this one instead of the one that the customer gets. */
  @IsOptional() @IsString() @MaxLength(40)
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 40, example: null })
  variant?: string | null;
}

/** How carriers count a text message. */
export class SmsSegmentsDto {
  @ApiProperty({ enum: ['gsm7', 'ucs2'], description: '`gsm7` holds 160 characters a message (153 each of several), `ucs2` 70 (67).' })
  encoding: 'gsm7' | 'ucs2';

  @ApiProperty({ example: 1 })
  segments: number;
}

/** One channel's message as the customer would see it. Its links lead straight to their targets, and nothing of it is counted. */
export class PreviewMessageDto {
  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com', description: 'Address, number or push endpoint; null when there is none.' })
  to: string | null;

  @ApiProperty({ enum: ['send', 'skip', 'defer'], description: 'What would happen to it now, frequency cap and shared addresses aside.' })
  decision: 'send' | 'skip' | 'defer';

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why it would be skipped or put off.' })
  reason: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Flash Sale - 25% Off Today Only!', description: 'The subject of an email, or the title of a push message.' })
  subject: string | null;

  @ApiProperty({ type: String, nullable: true })
  html: string | null;

  @ApiProperty({ type: String, nullable: true })
  text: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Where a click on the push message leads.' })
  url: string | null;

  @ApiProperty({ type: SmsSegmentsDto, nullable: true, description: 'Counted for the message as it is sent, with tracked links, which may be longer or shorter than the links shown here.' })
  sms: SmsSegmentsDto | null;

  @ApiProperty({ type: String, nullable: true, enum: [...MESSAGE_FAULTS, null], description: 'Why it cannot be written for this customer, or would be refused as it is; the `reason` that the delivery would have.' })
  error: (typeof MESSAGE_FAULTS)[number] | null;
}

export class CampaignPreviewDto {
  @ApiProperty({ example: 'cust_1001' })
  customer_id: string;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'The variant shown; null if the campaign has none.' })
  variant: string | null;

  @ApiProperty({ type: [PreviewMessageDto] })
  messages: PreviewMessageDto[];
}

export class TestCampaignDto {
  /** Email addresses, or phone numbers as E.164; they need not be customers'. */
  @IsArray() @ArrayNotEmpty() @ArrayMaxSize(10) @ArrayUnique() @IsString({ each: true }) @Length(1, 320, { each: true })
  @ApiProperty({ type: [String], minItems: 1, maxItems: 10, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 320 }, example: ['ada@example.com'] })
  to: string[];

  /** One of the campaign's channels, `email` by default. Not `push`, which has no addresses. */
  @IsOptional() @IsIn(CHANNELS)
  @ApiProperty({ enum: CHANNELS, required: false, nullable: true, example: 'email' })
  channel?: Channel | null;

  /** The customer whose data fill the message; without one, nothing is known about the recipient. */
  @IsOptional() @IsString() @Length(1, 255)
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 255, example: 'cust_1001' })
  customer_id?: string | null;

  /** In a campaign with `variants`: the one to send. By default it is the one that the customer gets, or the first if no customer is named. */
  @IsOptional() @IsString() @MaxLength(40)
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 40, example: null })
  variant?: string | null;
}

export class TestResultDto {
  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com', description: 'Null if the answer is repeated after the customer with this address was erased.' })
  to: string | null;

  @ApiProperty({ enum: ['accepted', 'rejected', 'unknown', 'not_sent'], description: '`not_sent`: the provider could not be reached, or asked to try later; it is not retried. `unknown`: it may have arrived.' })
  status: 'accepted' | 'rejected' | 'unknown' | 'not_sent';

  @ApiProperty({ type: String, nullable: true, example: null })
  reason: string | null;

  @ApiProperty({ type: String, nullable: true, example: '<dlv_test@example.com>' })
  provider_message_id: string | null;
}

export class CampaignTestDto {
  @ApiProperty({ type: [TestResultDto] })
  results: TestResultDto[];
}

export class PreflightSkippedDto {
  @ApiProperty({ enum: PREFLIGHT_REASONS, description: 'The first reason that applies, in this order. `already_in_segment`: a continuous campaign is for those who enter after its start. `excluded`: in one of `exclude_segment_ids`. `window_missed` also applies when the whole `send_window` lies in quiet hours. `frequency_cap` counts the messages they have had and those that earlier channels of this campaign would send; customers who share an address all count as sent to. Reasons after `duplicate_address` are an estimate from up to a hundred messages written as a sample, exact if the sample is the whole audience.' })
  reason: PreflightReason;

  @ApiProperty({ example: 61 })
  customers: number;
}

export class PreflightFieldDto {
  @ApiProperty({ example: 'customer.first_name' })
  field: string;

  @ApiProperty({ example: 112, description: 'How many would get a message with nothing in its place.' })
  customers: number;
}

export class PreflightCostDto {
  @ApiProperty({ example: 42.82 })
  amount: number;

  @ApiProperty({ example: 'USD' })
  currency: string;
}

/** An estimate for text messages, from those written for up to a hundred recipients. */
export class PreflightSmsDto {
  @ApiProperty({ example: 100 })
  sampled: number;

  @ApiProperty({ example: 2, description: 'How many of those need UCS-2.' })
  ucs2: number;

  @ApiProperty({ example: 2 })
  most_segments: number;

  @ApiProperty({ example: 5420, description: 'In all messages together; exact if the sample is the whole audience.' })
  expected_segments: number;

  @ApiProperty({ type: PreflightCostDto, nullable: true, description: 'At `sms_price_per_segment` of the settings; null if that is not set.' })
  expected_cost: PreflightCostDto | null;
}

export class PreflightChannelDto {
  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  @ApiProperty({ example: 5420, description: 'Members of the segment: `sendable` and all of `skipped` together.' })
  audience: number;

  @ApiProperty({ example: 5300 })
  sendable: number;

  @ApiProperty({ type: [PreflightSkippedDto] })
  skipped: PreflightSkippedDto[];

  @ApiProperty({ type: [PreflightFieldDto], description: 'Fields that the message prints without a `default` and that some recipients lack.' })
  missing_fields: PreflightFieldDto[];

  @ApiProperty({ type: PreflightSmsDto, nullable: true })
  sms: PreflightSmsDto | null;

  @ApiProperty({ type: Number, nullable: true, example: 50, description: 'The rate limit of the channel’s provider; null if none is set, and then the duration is not known.' })
  messages_per_second: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 106 })
  expected_seconds: number | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T12:01:46Z', description: 'Counted from its start, or from now. Quiet hours, send windows and local times are not included.' })
  expected_finish: string | null;
}

export class PreflightOverlapDto {
  @ApiProperty({ example: 'camp_001' })
  campaign_id: string;

  @ApiProperty({ example: 'Summer Promo 2026' })
  name: string;

  @ApiProperty({ enum: CAMPAIGN_STATUSES })
  status: CampaignStatus;

  @ApiProperty({ example: 840, description: 'Customers who are in both segments.' })
  customers: number;
}

export class CampaignPreflightDto {
  @ApiProperty({ type: [PreflightChannelDto] })
  channels: PreflightChannelDto[];

  @ApiProperty({ type: [PreflightOverlapDto], description: 'Up to twenty campaigns that are active, paused or scheduled, largest overlap first.' })
  overlaps: PreflightOverlapDto[];

  @ApiProperty({ type: [CampaignWarningDto], description: 'Why a start would be refused.' })
  warnings: CampaignWarningDto[];
}

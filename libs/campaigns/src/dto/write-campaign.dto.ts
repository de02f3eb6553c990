import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { AB_METRICS, type AbMetric, DELIVERY_MODES, type DeliveryMode } from '#delivery';
import { ArrayMaxSize, ArrayMinSize, ArrayNotEmpty, IsObject, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min, ValidateBy, ValidateIf, ValidateNested } from 'class-validator';
import { IsInstant, OneLine, Trimmed } from '#http';
import { IsPromoCode } from '#promos';
import { type Channel, CHANNELS } from '#tenants';
import { CAMPAIGN_TYPES, type CampaignType } from '../campaign.js';
import { CampaignContentDto } from './content.dto.js';

/** Counted in basis points. class-validator's own rule for decimals throws on a number like 1e-300. */
const IsPercent = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPercent',
    validator: {
      validate: (value: unknown) => typeof value === 'number' && value >= 0.01 && value <= 100 && Number(value.toFixed(2)) === value,
      defaultMessage: () => '$property must be a number from 0.01 to 100 with two decimals at most',
    },
  });

const present = (_: object, value: unknown): boolean => value !== undefined;

/** In the last year that has four digits, the clocks of some zones show the next. */
const BEFORE_9999 = /^(?!9999)/;

/** When the campaign starts and ends. */
export class CampaignScheduleDto {
  @IsOptional() @IsInstant() @Matches(BEFORE_9999, { message: 'start_date must lie before the year 9999' })
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true, example: '2026-01-31T12:00:00Z', description: 'When sending begins.' })
  start_date?: string | null;

  @IsOptional() @IsInstant()
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true, example: '2026-01-31T23:59:59Z', description: 'After this, no new message is sent; messages that were tried before are still retried. Must be later than `start_date`.' })
  end_date?: string | null;

  /** Whether each recipient gets the message when their own clock shows the time that the tenant's clock shows at `start_date`. A customer without a time zone gets it at `start_date` itself. The tenant's time zone at the moment of scheduling counts: after changing it, schedule the campaign again. The campaign becomes active when the first time zone on earth reaches that time. Recipients for whom it has passed by more than 15 minutes are skipped (`window_missed`), so schedule it at least 26 hours ahead. `POST /campaigns/{id}/start` sends to everybody at once. */
  @IsOptional() @IsBoolean()
  @ApiProperty({ type: Boolean, required: false, nullable: true, example: true })
  local_time?: boolean | null;
}

/** When to pause the campaign automatically, with the reason in its `warnings`. Rates are checked before every batch once 100 messages have been sent; when a campaign that such a rule has paused is resumed, they are counted from zero. */
export class StopRulesDto {
  /** Highest percentage of messages that may bounce or be refused by the provider. */
  @IsOptional() @IsPercent()
  @ApiProperty({ type: Number, required: false, nullable: true, minimum: 0.01, maximum: 100, example: 5 })
  bounce_rate?: number | null;

  /** Highest percentage of messages that recipients may report as spam. */
  @IsOptional() @IsPercent()
  @ApiProperty({ type: Number, required: false, nullable: true, minimum: 0.01, maximum: 100, example: 0.1 })
  complaint_rate?: number | null;

  /** Whether to pause when the promo's usage limit is reached, or its budget has less left than an average discount; until it has more, the campaign can be neither started nor resumed. */
  @IsOptional() @IsBoolean()
  @ApiProperty({ type: Boolean, required: false, nullable: true, example: true })
  promo_budget?: boolean | null;
}

/** UTM parameters to add to links for web analytics. Unless given, `medium` is the channel and `campaign` is the campaign's id. */
export class UtmDto {
  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200, example: 'newsletter' })
  source?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200, example: 'email' })
  medium?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200, example: 'flash_sale' })
  campaign?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200 })
  term?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200 })
  content?: string | null;
}

const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

/** Hours of the recipient's own day in which messages are sent; outside of them, messages wait. */
export class SendWindowDto {
  /** Local time `HH:MM` from which messages are sent. */
  @Matches(CLOCK_TIME, { message: 'start must be a time of day, HH:MM' })
  @ApiProperty({ example: '10:00', pattern: CLOCK_TIME.source })
  start: string;

  /** Local time `HH:MM` at which they stop; before `start` means the next morning. */
  @Matches(CLOCK_TIME, { message: 'end must be a time of day, HH:MM' })
  @ApiProperty({ example: '18:00', pattern: CLOCK_TIME.source })
  end: string;
}

/** One version of the content, to be compared with others. */
export class CampaignVariantDto {
  /** A name of your own, unique in the campaign. */
  @Matches(/^[a-z0-9_-]{1,40}$/, { message: 'id must be 1 to 40 of a-z, 0-9, _ and -' })
  @ApiProperty({ pattern: '^[a-z0-9_-]{1,40}$', example: 'b' })
  id: string;

  /** Its share in relation to the other weights: with 1 and 3, one variant goes to a quarter of the recipients and the other to three quarters. */
  @IsInt() @Min(1) @Max(10_000)
  @ApiProperty({ minimum: 1, maximum: 10_000, example: 1 })
  weight: number;

  /** What differs from the campaign's `content`: a merge patch, in which null removes. `{}` is the content itself. */
  @IsObject() @ValidateNested() @Type(() => CampaignContentDto)
  @ApiProperty({ type: CampaignContentDto, example: { subject: 'Your 25% is waiting' } })
  content: CampaignContentDto;
}

/** Sends the variants to a sample, by weight; everybody else waits and gets the variant that did best. */
export class AbTestDto {
  /** Percentage of the audience in the sample, drawn by hash. */
  @IsPercent() @Max(90)
  @ApiProperty({ minimum: 0.01, maximum: 90, example: 20 })
  sample_percent: number;

  /** What decides: the share of customers who did this, among those the variant was delivered to. */
  @IsIn(AB_METRICS)
  @ApiProperty({ enum: AB_METRICS, example: 'clicked' })
  metric: AbMetric;

  /** How long to wait after the last message of the sample was sent, up to a week. */
  @IsInt() @Min(1) @Max(10_080)
  @ApiProperty({ minimum: 1, maximum: 10_080, example: 240 })
  wait_minutes: number;
}

/** The optional members of a campaign; in a merge patch, null removes them. */
class OptionalPartsDto {
  /** Needed by the time the campaign is scheduled or started. */
  @IsOptional() @ValidateNested() @Type(() => CampaignContentDto)
  @ApiProperty({ type: CampaignContentDto, required: false, nullable: true })
  content?: CampaignContentDto | null;

  @IsOptional() @ValidateNested() @Type(() => CampaignScheduleDto)
  @ApiProperty({ type: CampaignScheduleDto, required: false, nullable: true })
  schedule?: CampaignScheduleDto | null;

  /** Created with the campaign and valid from its start to its end, or linked if it exists with the same percentage. Requires `promo_discount_percent`. */
  @IsOptional() @IsPromoCode()
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 100, example: 'FLASH25' })
  promo_code?: string | null;

  /** Percent off: above 0, up to 100, at most two decimals. Requires `promo_code`. */
  @IsOptional() @IsPercent()
  @ApiProperty({ type: Number, required: false, nullable: true, minimum: 0.01, maximum: 100, example: 25 })
  promo_discount_percent?: number | null;

  /** Whether each recipient gets a code of their own that begins like `promo_code`. It can be redeemed once, only by them, and only after their message was sent. A promo created with the campaign accepts only such codes (`unique_codes_only`). `{{ promo_code }}` prints the code; previews and tests show a sample that cannot be redeemed. */
  @IsOptional() @IsBoolean()
  @ApiProperty({ type: Boolean, required: false, nullable: true, example: true })
  unique_promo_codes?: boolean | null;

  /** Which campaign reaches a customer first if several could: the one with the higher number. 0 by default. */
  @ValidateIf(present) @IsInt() @Min(-1000) @Max(1000)
  @ApiProperty({ required: false, minimum: -1000, maximum: 1000 })
  priority?: number;

  /** Percentage of the recipients who get nothing (`holdout`), as a control group. They are drawn by hash: the same people on every channel, different people in every campaign. What they do without the campaign shows what it achieves. */
  @IsOptional() @IsPercent() @Max(90)
  @ApiProperty({ type: Number, required: false, nullable: true, minimum: 0.01, maximum: 90, example: 10 })
  holdout_percent?: number | null;

  @IsOptional() @ValidateNested() @Type(() => StopRulesDto)
  @ApiProperty({ type: StopRulesDto, required: false, nullable: true })
  stop_rules?: StopRulesDto | null;

  @IsOptional() @ValidateNested() @Type(() => UtmDto)
  @ApiProperty({ type: UtmDto, required: false, nullable: true })
  utm?: UtmDto | null;

  /** `broadcast` (the default): to whoever is in the segment at the start. `continuous`: to whoever enters it between the start and `end_date` (or until the campaign is canceled), each customer once. */
  @IsOptional() @IsIn(DELIVERY_MODES)
  @ApiProperty({ enum: DELIVERY_MODES, required: false, nullable: true, example: 'broadcast' })
  delivery_mode?: DeliveryMode | null;

  @IsOptional() @ValidateNested() @Type(() => SendWindowDto)
  @ApiProperty({ type: SendWindowDto, required: false, nullable: true })
  send_window?: SendWindowDto | null;

  /** Members of these segments are left out. */
  @IsOptional() @IsArray() @ArrayMaxSize(20) @ArrayUnique() @IsString({ each: true }) @MaxLength(200, { each: true })
  @ApiProperty({ type: [String], required: false, nullable: true, maxItems: 20, uniqueItems: true, items: { type: 'string', maxLength: 200 }, example: ['seg_inactive_30'] })
  exclude_segment_ids?: string[] | null;

  /** Each customer gets one of them, drawn by hash and weight: the same one on every channel and in every retry. */
  @IsOptional() @IsArray() @ArrayMinSize(2) @ArrayMaxSize(10) @ValidateNested({ each: true }) @Type(() => CampaignVariantDto)
  @ApiProperty({ type: [CampaignVariantDto], required: false, nullable: true, minItems: 2, maxItems: 10 })
  variants?: CampaignVariantDto[] | null;

  /** Requires `variants`. Not possible with `delivery_mode: continuous` or `schedule.local_time`, whose recipients are not reached at one time. */
  @IsOptional() @ValidateNested() @Type(() => AbTestDto)
  @ApiProperty({ type: AbTestDto, required: false, nullable: true })
  ab_test?: AbTestDto | null;
}

const named = [Trimmed(), IsString(), Length(1, 200), OneLine()];
const CampaignName = (): PropertyDecorator => (target, key) => named.forEach((rule) => rule(target, key));

const channelRules = [IsArray(), ArrayNotEmpty(), ArrayMaxSize(CHANNELS.length), ArrayUnique(), IsIn(CHANNELS, { each: true })];
const CampaignChannels = (): PropertyDecorator => (target, key) => channelRules.forEach((rule) => rule(target, key));

export class CreateCampaignDto extends OptionalPartsDto {
  @CampaignName()
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'Flash Sale Friday' })
  name: string;

  @IsIn(CAMPAIGN_TYPES)
  @ApiProperty({ enum: CAMPAIGN_TYPES, example: 'promotion' })
  type: CampaignType;

  @CampaignChannels()
  @ApiProperty({ enum: CHANNELS, isArray: true, minItems: 1, uniqueItems: true, example: ['push', 'email'] })
  channels: Channel[];

  /** The segment whose members it goes to. */
  @IsString() @MaxLength(200)
  @ApiProperty({ maxLength: 200, example: 'seg_all_customers' })
  segment_id: string;
}

/** A merge patch: members that are left out stay, null removes. `content`, `schedule`, `utm` and `stop_rules` are merged member by member; `variants`, `send_window` and `ab_test` are replaced as a whole. */
export class UpdateCampaignDto extends OptionalPartsDto {
  @ValidateIf(present) @CampaignName()
  @ApiProperty({ required: false, minLength: 1, maxLength: 200, example: 'Flash Sale Saturday' })
  name?: string;

  @ValidateIf(present) @IsIn(CAMPAIGN_TYPES)
  @ApiProperty({ required: false, enum: CAMPAIGN_TYPES })
  type?: CampaignType;

  @ValidateIf(present) @CampaignChannels()
  @ApiProperty({ required: false, enum: CHANNELS, isArray: true, minItems: 1, uniqueItems: true })
  channels?: Channel[];

  @ValidateIf(present) @IsString() @MaxLength(200)
  @ApiProperty({ required: false, maxLength: 200 })
  segment_id?: string;
}

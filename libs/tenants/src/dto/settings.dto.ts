import { IsArray, IsBoolean, IsEmail, IsIn, IsInt, IsString, Length, Matches, Max, Min, ValidateIf, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { OneLine, Trimmed } from '#http';
import { ATTRIBUTION_MODELS, type Attribution, type FrequencyCap, type FunnelSettings, type QuietHours, type Sender, type Settings } from '../settings.js';

const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const given = (_: object, value: unknown): boolean => value !== null && value !== undefined;

/** In ASCII before its `@`: another address is taken by such servers alone as know SMTPUTF8 (RFC 6531), and many recipients' do not. The domain may be in any script. */
const AsciiLocalPart = (): PropertyDecorator => Matches(/^\p{ASCII}+?(@|$)/u, { message: '$property must be in ASCII before its @' });

export class SenderDto implements Sender {
  /** Address that email comes from. */
  @ValidateIf(given) @IsEmail() @OneLine() @AsciiLocalPart()
  from_email: string | null;

  @ValidateIf(given) @Trimmed() @IsString() @Length(1, 200) @OneLine()
  from_name: string | null;

  @ValidateIf(given) @IsEmail() @OneLine() @AsciiLocalPart()
  reply_to: string | null;

  /** Shown in every marketing email. */
  @ValidateIf(given) @Trimmed() @IsString() @Length(1, 500)
  postal_address: string | null;

  /** E.164 number or alphanumeric sender that SMS come from. */
  @ValidateIf(given) @Trimmed() @IsString() @Matches(/^(\+[1-9]\d{6,14}|[A-Za-z0-9 ]{1,11})$/)
  sms_from: string | null;
}

export class AttributionDto implements Attribution {
  /** Days after a click or open within which an order counts for it. */
  @IsInt() @Min(1) @Max(90)
  window_days: number;

  @IsArray() @IsIn(ATTRIBUTION_MODELS, { each: true })
  models: ('promo_code' | 'click' | 'open')[];
}

export class FrequencyCapDto implements FrequencyCap {
  /** Marketing messages a customer gets at most … */
  @IsInt() @Min(1) @Max(1000)
  max: number;

  /** … in so many days. */
  @IsInt() @Min(1) @Max(90)
  per_days: number;
}

export class QuietHoursDto implements QuietHours {
  /** Local time `HH:MM` at which sending stops. */
  @Matches(CLOCK_TIME)
  from: string;

  /** Local time `HH:MM` at which it goes on; before `from` means the next morning. */
  @Matches(CLOCK_TIME)
  to: string;
}

export class ChannelQuietHoursDto {
  @ValidateIf(given) @ValidateNested() @Type(() => QuietHoursDto)
  email: QuietHoursDto | null;

  @ValidateIf(given) @ValidateNested() @Type(() => QuietHoursDto)
  sms: QuietHoursDto | null;

  @ValidateIf(given) @ValidateNested() @Type(() => QuietHoursDto)
  push: QuietHoursDto | null;
}

export class MaxSegmentSizeDto {
  @IsInt() @Min(1) @Max(100_000_000)
  email: number;

  @IsInt() @Min(1) @Max(100_000_000)
  sms: number;

  @IsInt() @Min(1) @Max(100_000_000)
  push: number;
}

export class FunnelSettingsDto implements FunnelSettings {
  /** Puts `evaluation` between intent and purchase in the purchase funnel. */
  @IsBoolean()
  purchase_with_evaluation: boolean;

  /** The order that makes a customer a regular: 3 is the third. */
  @IsInt() @Min(2) @Max(100)
  retention_from_order: number;
}

export class SettingsDto implements Settings {
  /** IANA time zone; days begin at its midnight. */
  timezone: string;

  /** ISO 4217 code; fixed once money was recorded. */
  currency: string;

  sender: SenderDto;
  attribution: AttributionDto;

  /** Null: no cap. */
  frequency_cap: FrequencyCapDto | null;

  /** Per channel; null sends at any hour. */
  quiet_hours: ChannelQuietHoursDto;

  /** Most customers a campaign's segment may have, per channel (422 `segment_too_large`). */
  max_segment_size: MaxSegmentSizeDto;

  /** What your provider takes for one segment of a text message, in your currency and as fine as it is: a preflight tells what a campaign costs. Null: unknown. */
  sms_price_per_segment: number | null;

  funnels: FunnelSettingsDto;

  static from(settings: Settings): SettingsDto {
    return { ...settings };
  }
}

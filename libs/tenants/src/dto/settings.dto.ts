import { IsArray, IsBoolean, IsEmail, IsIn, IsInt, IsString, Length, Matches, Max, Min, ValidateIf, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { OneLine, Trimmed } from '#http';
import { ATTRIBUTION_MODELS, type Attribution, type FrequencyCap, type FunnelSettings, type QuietHours, type Sender, type Settings } from '../settings.js';

const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const given = (_: object, value: unknown): boolean => value !== null && value !== undefined;

/** ASCII before the `@`: other addresses need servers with SMTPUTF8 (RFC 6531), which many recipients' are not. The domain may be in any script. */
const AsciiLocalPart = (): PropertyDecorator => Matches(/^\p{ASCII}+?(@|$)/u, { message: '$property must be in ASCII before its @' });

export class SenderDto implements Sender {
  /** The address that email is sent from. */
  @ValidateIf(given) @IsEmail() @OneLine() @AsciiLocalPart()
  from_email: string | null;

  @ValidateIf(given) @Trimmed() @IsString() @Length(1, 200) @OneLine()
  from_name: string | null;

  @ValidateIf(given) @IsEmail() @OneLine() @AsciiLocalPart()
  reply_to: string | null;

  /** Shown in every marketing email. */
  @ValidateIf(given) @Trimmed() @IsString() @Length(1, 500)
  postal_address: string | null;

  /** The E.164 number or alphanumeric sender that SMS are sent from. */
  @ValidateIf(given) @Trimmed() @IsString() @Matches(/^(\+[1-9]\d{6,14}|[A-Za-z0-9 ]{1,11})$/)
  sms_from: string | null;
}

export class AttributionDto implements Attribution {
  /** How many days after a click or open an order is attributed to it. */
  @IsInt() @Min(1) @Max(90)
  window_days: number;

  @IsArray() @IsIn(ATTRIBUTION_MODELS, { each: true })
  models: ('promo_code' | 'click' | 'open')[];
}

export class FrequencyCapDto implements FrequencyCap {
  /** The most marketing messages a customer gets … */
  @IsInt() @Min(1) @Max(1000)
  max: number;

  /** … in this many days. */
  @IsInt() @Min(1) @Max(90)
  per_days: number;
}

export class QuietHoursDto implements QuietHours {
  /** Local time `HH:MM` at which sending stops. */
  @Matches(CLOCK_TIME)
  from: string;

  /** Local time `HH:MM` at which sending resumes; if earlier than `from`, on the next day. */
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

  /** The number of the order that makes a customer a regular: 3 for the third. */
  @IsInt() @Min(2) @Max(100)
  retention_from_order: number;
}

export class SettingsDto implements Settings {
  /** IANA time zone; days begin at its midnight. */
  timezone: string;

  /** ISO 4217 code; cannot change once money was recorded. */
  currency: string;

  sender: SenderDto;
  attribution: AttributionDto;

  /** Null for no cap. */
  frequency_cap: FrequencyCapDto | null;

  /** Per channel; null to send at any hour. */
  quiet_hours: ChannelQuietHoursDto;

  /** The most customers a campaign's segment may have, per channel (422 `segment_too_large`). */
  max_segment_size: MaxSegmentSizeDto;

  /** What your provider charges for one segment of a text message, in your currency, with as many decimals as needed; a preflight uses it to estimate costs. Null if unknown. */
  sms_price_per_segment: number | null;

  funnels: FunnelSettingsDto;

  static from(settings: Settings): SettingsDto {
    return { ...settings };
  }
}

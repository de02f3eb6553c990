import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize, IsArray, IsDefined, IsIn, IsInt, IsISO8601, IsLocale, IsNumber, IsObject, IsOptional, IsString, Length, Matches, Max, MaxLength, Min, Validate, ValidateIf, ValidateNested,
} from 'class-validator';
import { IsHttpUrl, IsInstant, IsZoneName, OneLine, Trimmed } from '#http';
import { normaliseEmail, normalisePhone } from '../contact.js';
import { CONSENT_STATUSES, type ConsentStatus } from '../profile.js';
import { AloneRule, AttributesRule, BornRule, CustomerIdRule, EmailRule, NotAheadRule, PhoneRule } from './customer.rules.js';

const Spelled = (normalise: (text: string) => string | null) =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (normalise(value) ?? value) : value));

export class ConsentInputDto {
  /** The statement with the latest `at` counts, in whatever order they arrive; at the same instant, the opt-out. `subscribed` without `at` takes no opt-out back; `unsubscribed` without `at` means now, and holds for every customer who has the email address or phone number. */
  @IsIn(CONSENT_STATUSES)
  @ApiProperty({ enum: CONSENT_STATUSES })
  status: ConsentStatus;

  /** Where the customer said so. */
  @IsOptional() @Trimmed() @IsString() @Length(1, 200)
  @ApiProperty({ type: String, required: false, nullable: true, minLength: 1, maxLength: 200, example: 'signup_form' })
  source?: string | null;

  /** When the customer said so, RFC 3339; not in the future. */
  @IsOptional() @IsInstant() @Validate(NotAheadRule)
  @ApiProperty({ type: String, required: false, nullable: true, format: 'date-time' })
  at?: string | null;
}

export class ConsentsInputDto {
  @IsOptional() @ValidateNested() @Type(() => ConsentInputDto)
  email?: ConsentInputDto | null;

  @IsOptional() @ValidateNested() @Type(() => ConsentInputDto)
  sms?: ConsentInputDto | null;

  @IsOptional() @ValidateNested() @Type(() => ConsentInputDto)
  push?: ConsentInputDto | null;
}

export class PushKeysDto {
  @IsString() @Length(1, 200)
  p256dh: string;

  @IsString() @Length(1, 100)
  auth: string;
}

const ofBrowser = ({ fcm_token }: PushSubscriptionDto): boolean => fcm_token === undefined;

/** A browser's push subscription as `JSON.stringify` of it gives: `endpoint` and `keys`. Or an app's: its `fcm_token`, of Firebase Cloud Messaging, alone. */
export class PushSubscriptionDto {
  @ValidateIf(ofBrowser) @IsHttpUrl() @MaxLength(2000)
  @ApiProperty({ required: false, format: 'uri', maxLength: 2000 })
  endpoint?: string;

  @IsOptional() @IsNumber()
  expirationTime?: number | null;

  @ValidateIf(ofBrowser) @IsDefined() @ValidateNested() @Type(() => PushKeysDto)
  @ApiProperty({ type: PushKeysDto, required: false })
  keys?: PushKeysDto;

  @ValidateIf((subscription: PushSubscriptionDto) => !ofBrowser(subscription)) @Matches(/^[\w:-]{20,4000}$/, { message: 'fcm_token must be a registration token of Firebase Cloud Messaging' }) @Validate(AloneRule)
  @ApiProperty({ required: false, pattern: '^[\\w:-]{20,4000}$', example: 'dQw4w9WgXcQ:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx' })
  fcm_token?: string;
}

/** Fields left out stay as they are; null clears a field. */
export class UpsertCustomerDto {
  /** Kept trimmed and in lower case. */
  @IsOptional() @Spelled(normaliseEmail) @Validate(EmailRule)
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 254, example: 'ada@example.com' })
  email?: string | null;

  /** With its country code; kept as E.164. */
  @IsOptional() @Spelled(normalisePhone) @Validate(PhoneRule)
  @ApiProperty({ type: String, required: false, nullable: true, example: '+14155552671' })
  phone?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  first_name?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  last_name?: string | null;

  /** BCP 47, such as `en-US`. */
  @IsOptional() @IsLocale() @MaxLength(35)
  locale?: string | null;

  /** IANA name, such as `Europe/Berlin`. */
  @IsOptional() @IsZoneName()
  timezone?: string | null;

  /** `YYYY-MM-DD`; not in the future. */
  @IsOptional() @Validate(BornRule) @Matches(/^(18|19|20)\d\d-\d\d-\d\d$/) @IsISO8601({ strict: true })
  @ApiProperty({ type: String, required: false, nullable: true, format: 'date', example: '1990-12-31' })
  birthday?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200) @OneLine()
  city?: string | null;

  @IsOptional() @Trimmed() @IsString() @Length(1, 100) @OneLine()
  loyalty_tier?: string | null;

  @IsOptional() @IsInt() @Min(-2147483648) @Max(2147483647)
  @ApiProperty({ type: 'integer', required: false, nullable: true, example: 1200 })
  loyalty_points?: number | null;

  /** Replaces all tags. */
  @IsOptional() @IsArray() @ArrayMaxSize(200) @Trimmed() @IsString({ each: true }) @Length(1, 100, { each: true }) @OneLine({ each: true })
  @ApiProperty({ type: [String], required: false, nullable: true, maxItems: 200, example: ['vip'] })
  tags?: string[] | null;

  /** Merged name by name; null removes one. Names start with a letter; values are texts, numbers, booleans or lists of texts. */
  @IsOptional() @IsObject() @Validate(AttributesRule)
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true, example: { favourite_dish: 'margherita', visits: 12 } })
  attributes?: Record<string, string | number | boolean | string[] | null> | null;

  /** Per channel; see `status`. */
  @IsOptional() @ValidateNested() @Type(() => ConsentsInputDto)
  consents?: ConsentsInputDto | null;

  @IsOptional() @ValidateNested() @Type(() => PushSubscriptionDto)
  push_subscription?: PushSubscriptionDto | null;
}

export class BatchCustomerDto extends UpsertCustomerDto {
  /** The caller's own id. */
  @Validate(CustomerIdRule)
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'cust_1001' })
  customer_id: string;
}

/** A row of an import; without an id its email must be a known customer's. */
export class ImportRowDto extends UpsertCustomerDto {
  @IsOptional() @Validate(CustomerIdRule)
  customer_id?: string;
}

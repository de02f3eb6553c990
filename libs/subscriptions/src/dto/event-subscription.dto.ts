import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsOptional, MaxLength, ValidateIf } from 'class-validator';
import { IsHttpUrl, pageOf } from '#http';
import { EVENT_TYPES, type EventName } from '../event-types.js';

const present = (_: object, value: unknown): boolean => value !== undefined;

export class CreateEventSubscriptionDto {
  /** Where every message is posted: over https and on the public internet, unless the operator allows others. Redirects are not followed. */
  @IsHttpUrl({ fragment: false }) @MaxLength(2000)
  @ApiProperty({ format: 'uri', maxLength: 2000, example: 'https://crm.example.com/hooks/marketing' })
  url: string;

  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(EVENT_TYPES.length) @ArrayUnique() @IsIn(EVENT_TYPES, { each: true })
  @ApiProperty({ enum: EVENT_TYPES, isArray: true, minItems: 1, uniqueItems: true, example: ['campaign.completed', 'delivery.bounced'] })
  events: EventName[];

  /** True unless said. Nothing is kept for a subscription while it is not active. */
  @IsOptional() @IsBoolean()
  active?: boolean;
}

/** A merge patch: what is left out stays. */
export class UpdateEventSubscriptionDto {
  /** Where every message is posted from now on, those that wait too. */
  @ValidateIf(present) @IsHttpUrl({ fragment: false }) @MaxLength(2000)
  @ApiProperty({ required: false, format: 'uri', maxLength: 2000 })
  url?: string;

  @ValidateIf(present) @IsArray() @ArrayMinSize(1) @ArrayMaxSize(EVENT_TYPES.length) @ArrayUnique() @IsIn(EVENT_TYPES, { each: true })
  @ApiProperty({ required: false, enum: EVENT_TYPES, isArray: true, minItems: 1, uniqueItems: true })
  events?: EventName[];

  /** True takes up a subscription that was disabled, and sends what waits. */
  @ValidateIf(present) @IsBoolean()
  active?: boolean;
}

export const DISABLED_CODES = ['gone', 'failing'] as const;
export type DisabledCode = (typeof DISABLED_CODES)[number];

export class SubscriptionDisabledDto {
  @ApiProperty({ enum: DISABLED_CODES, description: '`gone`: the receiver answered 410. `failing`: for five days nothing arrived.' })
  code: DisabledCode;

  @ApiProperty({ example: 'The receiver answered 410 Gone.' })
  detail: string;

  at: string;
}

export class EventSubscriptionDto {
  @ApiProperty({ example: 'sub_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  @ApiProperty({ example: 'https://crm.example.com/hooks/marketing' })
  url: string;

  @ApiProperty({ enum: EVENT_TYPES, isArray: true })
  events: EventName[];

  active: boolean;

  /** Why we stopped sending, if we did; null else. */
  disabled: SubscriptionDisabledDto | null;

  /** Since when nothing has arrived; null while the last message did, or none was sent yet. */
  failing_since: string | null;

  /** What messages are signed with, shown this once: `whsec_` and 32 bytes in base64. */
  secret?: string;

  /** Until when messages are signed with the secret before this one too; null when they are not. */
  previous_secret_valid_until: string | null;

  created_at: string;
  updated_at: string;
}

export class EventSubscriptionPageDto extends pageOf(EventSubscriptionDto) {}

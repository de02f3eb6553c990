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

  /** Defaults to true. No events are kept for a subscription while it is not active. */
  @IsOptional() @IsBoolean()
  active?: boolean;
}

/** A merge patch: what is left out stays. */
export class UpdateEventSubscriptionDto {
  /** Where every message is posted from now on, including those already waiting. */
  @ValidateIf(present) @IsHttpUrl({ fragment: false }) @MaxLength(2000)
  @ApiProperty({ required: false, format: 'uri', maxLength: 2000 })
  url?: string;

  @ValidateIf(present) @IsArray() @ArrayMinSize(1) @ArrayMaxSize(EVENT_TYPES.length) @ArrayUnique() @IsIn(EVENT_TYPES, { each: true })
  @ApiProperty({ required: false, enum: EVENT_TYPES, isArray: true, minItems: 1, uniqueItems: true })
  events?: EventName[];

  /** True reactivates a disabled subscription and sends the waiting messages. */
  @ValidateIf(present) @IsBoolean()
  active?: boolean;
}

export const DISABLED_CODES = ['gone', 'failing'] as const;
export type DisabledCode = (typeof DISABLED_CODES)[number];

export class SubscriptionDisabledDto {
  @ApiProperty({ enum: DISABLED_CODES, description: '`gone`: the receiver answered 410. `failing`: no message was accepted for five days.' })
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

  /** Why we stopped sending; null if we did not. */
  disabled: SubscriptionDisabledDto | null;

  /** Since when no message has been accepted; null if the last one was, or none was sent yet. */
  failing_since: string | null;

  /** The secret that messages are signed with, shown only once: `whsec_` and 32 bytes in base64. */
  secret?: string;

  /** Until when messages are also signed with the previous secret; null if they are not. */
  previous_secret_valid_until: string | null;

  created_at: string;
  updated_at: string;
}

export class EventSubscriptionPageDto extends pageOf(EventSubscriptionDto) {}

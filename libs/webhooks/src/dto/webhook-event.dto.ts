import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { IsInstant, PageQueryDto, pageOf } from '#http';
import { PROVIDER_IDS, type ProviderId } from '../providers.js';

export const EVENT_STATUSES = ['pending', 'processed', 'duplicate', 'unmatched', 'failed'] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

export class ListWebhookEventsDto extends PageQueryDto {
  @ApiProperty({ enum: EVENT_STATUSES, required: false })
  @IsOptional() @IsIn(EVENT_STATUSES)
  status?: EventStatus;
}

export class WebhookEventDto {
  @ApiProperty({ example: 'whe_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  @ApiProperty({ enum: PROVIDER_IDS, example: 'sendgrid' })
  provider: ProviderId;

  /** As the provider spells it; null if the item has none. */
  @ApiProperty({ type: String, nullable: true, example: 'email.opened' })
  type: string | null;

  /** `pending`: stored and not yet processed, or to be tried again. `unmatched`: matches no person or message that we know, or could not be looked up yet; see `reason`. `failed`: see `reason`; not tried again unless replayed. */
  @ApiProperty({ enum: EVENT_STATUSES, example: 'processed' })
  status: EventStatus;

  /** Why it failed or matched nothing, as a code. */
  @ApiProperty({ type: String, nullable: true, example: null })
  reason: string | null;

  /** Failed attempts. After eight, over about three hours, the event is `failed`. */
  @ApiProperty({ example: 0 })
  attempts: number;

  /** When it is tried again after a failed attempt. */
  next_attempt_at: string | null;

  received_at: string;
  processed_at: string | null;

  @ApiProperty({ nullable: true, description: 'What the provider sent, read from the stored body; null if it cannot be shown as JSON, was erased, or the bodies of the page exceed 8 MiB: then request a smaller page.' })
  payload: unknown;
}

export class WebhookEventPageDto extends pageOf(WebhookEventDto) {}

export const REPLAYABLE_STATUSES = ['processed', 'unmatched', 'failed'] as const;

export class ReplayWebhookEventsDto {
  /** Replay events received at this instant or later (RFC 3339) … */
  @ApiProperty({ format: 'date-time', example: '2026-01-24T18:00:00Z' })
  @IsInstant()
  from: string;

  /** … and before this one. */
  @ApiProperty({ format: 'date-time', example: '2026-01-24T19:00:00Z' })
  @IsInstant()
  to: string;

  /** Only events with this status. Defaults to all of these, which leaves out duplicates and pending events. */
  @ApiProperty({ enum: REPLAYABLE_STATUSES, required: false })
  @IsOptional() @IsIn(REPLAYABLE_STATUSES)
  status?: (typeof REPLAYABLE_STATUSES)[number];
}

export class WebhookReplayDto {
  /** How many will be processed again. */
  @ApiProperty({ example: 1200 })
  events: number;
}

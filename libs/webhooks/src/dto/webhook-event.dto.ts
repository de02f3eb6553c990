import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQueryDto, pageOf } from '#http';
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

  /** As the provider spelt it; null when the item names none. */
  @ApiProperty({ type: String, nullable: true, example: 'email.opened' })
  type: string | null;

  /** `pending`: stored, not yet processed. `unmatched`: of nobody and nothing we know. `failed`: see `reason`. */
  @ApiProperty({ enum: EVENT_STATUSES, example: 'processed' })
  status: EventStatus;

  /** Why it failed or matched nothing, as a code. */
  @ApiProperty({ type: String, nullable: true, example: null })
  reason: string | null;

  received_at: string;
  processed_at: string | null;

  /** What the provider sent; null when it cannot be shown as JSON. */
  @ApiProperty({ nullable: true, description: 'What the provider sent; null when it cannot be shown as JSON.' })
  payload: unknown;
}

export class WebhookEventPageDto extends pageOf(WebhookEventDto) {}

import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQueryDto, pageOf } from '#http';
import { EVENT_TYPES, type EventName } from '../event-types.js';

export const ATTEMPT_STATUSES = ['succeeded', 'failed'] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

export const MESSAGE_STATUSES = ['pending', 'succeeded', 'failed'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export class ListEventAttemptsDto extends PageQueryDto {
  @ApiProperty({ enum: ATTEMPT_STATUSES, required: false })
  @IsOptional() @IsIn(ATTEMPT_STATUSES)
  status?: AttemptStatus;
}

export class EventAttemptDto {
  @ApiProperty({ example: 'att_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  /** The message’s `webhook-id`, the same in every attempt. */
  @ApiProperty({ example: 'msg_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  message_id: string;

  @ApiProperty({ enum: EVENT_TYPES, example: 'campaign.completed' })
  type: EventName;

  /** `succeeded` if the receiver answered 2xx. */
  @ApiProperty({ enum: ATTEMPT_STATUSES, example: 'failed' })
  status: AttemptStatus;

  /** The receiver’s status code; null if there was no answer. */
  @ApiProperty({ type: Number, nullable: true, example: 503 })
  status_code: number | null;

  /** Why there was no answer: `timeout` (15 seconds), `target_refused` (an address that we do not call), or the system’s error code, such as `econnrefused`. Null if there was an answer. */
  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why there was no answer: `timeout` (15 seconds), `target_refused` (an address that we do not call), or the system’s error code, such as `econnrefused`. Null if there was an answer.' })
  error: string | null;

  /** Milliseconds. */
  @ApiProperty({ type: 'integer', example: 84 })
  duration_ms: number;

  /** The first 500 characters of the answer; null if it was empty, or the message was about somebody who was erased. */
  @ApiProperty({ type: String, nullable: true, example: 'Service Unavailable' })
  response: string | null;

  attempted_at: string;

  /** The message’s current status: `pending` will be sent again, `failed` was given up. */
  @ApiProperty({ enum: MESSAGE_STATUSES, example: 'pending' })
  message_status: MessageStatus;

  /** When the message is sent again; null if it is not, or while the subscription is not active. */
  next_attempt_at: string | null;
}

export class EventAttemptPageDto extends pageOf(EventAttemptDto) {}

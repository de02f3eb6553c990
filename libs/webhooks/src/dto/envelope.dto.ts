import { ApiProperty } from '@nestjs/swagger';
import { CHANNELS, type Channel } from '#tenants';

/** One event of the generic scheme. Further members are kept and shown with the event. */
export class WebhookEnvelopeDto {
  /** One of the provider’s events, with or without its channel: `opened`, `email.opened`. */
  @ApiProperty({ example: 'email.opened' })
  event_type: string;

  /** Address of the person, for email. */
  @ApiProperty({ example: 'customer@example.com' })
  email?: string;

  /** Address of the person, for SMS (E.164). */
  phone?: string;

  customer_id?: string;

  @ApiProperty({ example: 'camp_001' })
  campaign_id?: string;

  /** The delivery that the event is about: the most precise way to identify the message. */
  delivery_id?: string;

  /** When it happened: RFC 3339, Unix seconds or Unix milliseconds. Defaults to the time of the signature. */
  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'integer' }], example: '2026-01-24T18:30:00Z', required: false })
  timestamp?: string | number;

  /** The sender’s own id of the event; an event with the same id is a duplicate. */
  event_id?: string;

  @ApiProperty({ enum: CHANNELS, required: false })
  channel?: Channel;

  /** The link that was clicked. */
  url?: string;

  /** Caused by a scanner or a mail proxy, not by the person. */
  machine?: boolean;

  /** Why it bounced or failed. */
  reason?: string;

  first_name?: string;
  last_name?: string;
}

export class WebhookReceiptDto {
  /** Events in the body. */
  @ApiProperty({ example: 1 })
  received: number;

  /** Events stored for processing before this answer was sent. */
  @ApiProperty({ example: 1 })
  accepted: number;

  /** Events received before; stored as duplicates and not processed again. */
  @ApiProperty({ example: 0 })
  duplicates: number;
}

import { ApiProperty } from '@nestjs/swagger';
import { PROVIDER_IDS, type ProviderId } from '../providers.js';

export class WebhookProviderDto {
  @ApiProperty({ enum: PROVIDER_IDS, example: 'sendgrid' })
  id: ProviderId;

  @ApiProperty({ example: 'SendGrid' })
  name: string;

  /** Whether its events are taken: by a connection of the tenant, unless none of the last five posts to it could be verified, or, where there is none, by the deployment's own secret. */
  @ApiProperty({ enum: ['connected', 'disconnected'], example: 'connected' })
  status: 'connected' | 'disconnected';

  /** Events kept so far, repetitions not counted; only while connected. */
  events_received?: number;

  /** When the newest of them arrived (RFC 3339, UTC). */
  last_event?: string;
}

export class WebhookProviderListDto {
  /** All providers, connected or not. */
  providers: WebhookProviderDto[];
}

import { ApiProperty } from '@nestjs/swagger';
import { PROVIDER_IDS, type ProviderId } from '../providers.js';

export class WebhookProviderDto {
  @ApiProperty({ enum: PROVIDER_IDS, example: 'sendgrid' })
  id: ProviderId;

  @ApiProperty({ example: 'SendGrid' })
  name: string;

  /** Whether its events are accepted: through the tenant’s connection, unless the last five posts to it were all refused; without a connection, through the deployment’s own secret. */
  @ApiProperty({ enum: ['connected', 'disconnected'], example: 'connected' })
  status: 'connected' | 'disconnected';

  /** Events stored so far, without duplicates; only while connected. */
  events_received?: number;

  /** When the newest of them arrived (RFC 3339, UTC). */
  last_event?: string;
}

export class WebhookProviderListDto {
  /** All providers, connected or not. */
  providers: WebhookProviderDto[];
}

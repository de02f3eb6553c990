import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiBody, ApiParam, ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { ConnectionsService } from './connections.service.js';
import { ConnectWebhookDto, RotateWebhookDto, WebhookConnectionDto } from './dto/webhook-connection.dto.js';
import { ListWebhookEventsDto, ReplayWebhookEventsDto, WebhookEventDto, WebhookEventPageDto, WebhookReplayDto } from './dto/webhook-event.dto.js';
import { WebhookProviderListDto } from './dto/webhook-provider.dto.js';
import { EventReplays } from './event-replays.js';
import { EventsService } from './events.service.js';
import { CONNECTION, EVENT, PROVIDER_LIST, PUBLIC_KEY } from './examples.js';
import { ProviderPipe } from './provider.pipe.js';
import { PROVIDER_IDS, type ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

const ProviderParam = () => ApiParam({ name: 'provider', enum: PROVIDER_IDS });

@ApiTags('Webhooks')
@Controller('webhooks')
export class WebhooksController {
  constructor(
    private readonly connections: ConnectionsService,
    private readonly events: EventsService,
    private readonly replays: EventReplays,
  ) {}

  @Get()
  @Route({
    allow: 'webhooks:read',
    summary: 'List webhook providers',
    description:
      'Every provider with its status, always in the same order; for connected ones, how many events they sent and when the latest arrived. ' +
      'A provider whose last five posts could not be verified counts as disconnected; its connection has the `reason`.',
    returns: WebhookProviderListDto,
    example: PROVIDER_LIST,
  })
  listWebhookProviders(@CurrentTenant() tenant: Tenant) {
    return this.connections.list(tenant);
  }

  @Get(':provider/connection')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    summary: 'Get a provider’s connection',
    description: 'Where the provider posts and how its signatures are verified. The secret is not shown again; `rotate` replaces it.',
    returns: WebhookConnectionDto,
    example: CONNECTION,
    errors: [WebhookError.only('unknown_provider', 'connection_not_found')],
  })
  getWebhookConnection(@CurrentTenant() tenant: Tenant, @Param('provider', ProviderPipe) provider: ProviderId) {
    return this.connections.get(tenant, provider);
  }

  @Put(':provider/connection')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    summary: 'Connect a provider',
    description:
      'Returns the URL for the provider to post to, and sets what its signatures are verified with. That depends on the scheme: a shared secret (generated and shown only once if you give none), ' +
      'the provider’s own secret, or its public key. ' +
      'If the provider is already connected, this replaces the connection: the URL stays, but previous secrets stop working at once (`rotate` changes them without a gap).',
    returns: WebhookConnectionDto,
    example: { ...CONNECTION, secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD28eQ8t5VqLk=' },
    bodies: { generated: {}, own_secret: { scheme: 'generic', secret: 'a-secret-of-your-own-choosing', tolerance_seconds: 300 }, sendgrid: { scheme: 'sendgrid', public_key: PUBLIC_KEY, tolerance_seconds: 86_400 } },
    errors: [WebhookError.only('unknown_provider')],
  })
  connectWebhook(@Caller() caller: Principal, @Param('provider', ProviderPipe) provider: ProviderId, @Body() body: ConnectWebhookDto) {
    return this.connections.connect(caller, provider, body);
  }

  @Delete(':provider/connection')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    status: 204,
    summary: 'Disconnect a provider',
    description: 'Deletes the connection’s secrets, and its URL stops working, at once and for good. Received events stay.',
    errors: [WebhookError.only('unknown_provider', 'connection_not_found')],
  })
  disconnectWebhook(@Caller() caller: Principal, @Param('provider', ProviderPipe) provider: ProviderId) {
    return this.connections.disconnect(caller, provider);
  }

  @Post(':provider/connection/rotate')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    summary: 'Rotate a connection’s secret',
    description: 'Generates a new secret, shown only once, or sets the provider’s new secret or public key if the provider chooses it. The old one is accepted for another 24 hours.',
    returns: WebhookConnectionDto,
    example: { ...CONNECTION, secret: 'whsec_Y2hhbmdlIG1lIGV2ZXJ5IHllYXIgb3Igc28sIG9rYXk=', previous_secret_valid_until: '2026-01-25T18:30:00.000Z' },
    bodies: { generated: {}, own_secret: { secret: 'the-next-secret-of-your-own-choosing' } },
    bodyOptional: true,
    errors: [WebhookError.only('unknown_provider', 'connection_not_found')],
  })
  @ApiBody({ type: RotateWebhookDto, required: false })
  rotateWebhookSecret(@Caller() caller: Principal, @Param('provider', ProviderPipe) provider: ProviderId, @Body() body: RotateWebhookDto) {
    return this.connections.rotate(caller, provider, body);
  }

  @Get(':provider/events')
  @ProviderParam()
  @Route({
    allow: 'webhooks:read',
    summary: 'List received events',
    description: 'The events that the provider sent in the last 30 days and what became of them, newest first.',
    returns: WebhookEventPageDto,
    example: { data: [EVENT], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
    errors: [WebhookError.only('unknown_provider')],
  })
  listWebhookEvents(@CurrentTenant() tenant: Tenant, @Param('provider', ProviderPipe) provider: ProviderId, @Query() query: ListWebhookEventsDto) {
    return this.events.list(tenant, provider, query);
  }

  @Post(':provider/events/:event_id/replay')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    status: 202,
    summary: 'Process an event again',
    description: 'Sets a stored event back to `pending`, to be read again from the bytes received. Processing is idempotent: effects that the event already had are not repeated.',
    returns: WebhookEventDto,
    example: { ...EVENT, status: 'pending', processed_at: null },
    errors: [WebhookError.only('unknown_provider', 'webhook_event_not_found', 'invalid_state')],
  })
  replayWebhookEvent(@Caller() caller: Principal, @Param('provider', ProviderPipe) provider: ProviderId, @Param('event_id') id: string) {
    return this.events.replay(caller, provider, id);
  }

  @Post(':provider/events/replay')
  @ProviderParam()
  @Route({
    allow: 'webhooks:manage',
    status: 202,
    summary: 'Process the events of a time range again',
    description: 'Replays all events received in a time range, up to 100,000. A worker sets them back to `pending` within seconds; duplicates are not replayed.',
    returns: WebhookReplayDto,
    example: { events: 1200 },
    bodies: { failed: { from: '2026-01-24T18:00:00Z', to: '2026-01-24T19:00:00Z', status: 'failed' }, all: { from: '2026-01-24T18:00:00Z', to: '2026-01-24T19:00:00Z' } },
    errors: [WebhookError.only('unknown_provider', 'too_many_events')],
  })
  replayWebhookEvents(@Caller() caller: Principal, @Param('provider', ProviderPipe) provider: ProviderId, @Body() body: ReplayWebhookEventsDto) {
    return this.replays.request(caller, provider, body);
  }
}

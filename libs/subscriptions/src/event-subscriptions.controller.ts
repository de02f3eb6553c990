import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { IfMatch, PageQueryDto, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { EventAttemptDto, EventAttemptPageDto, ListEventAttemptsDto } from './dto/event-attempt.dto.js';
import { CreateEventSubscriptionDto, EventSubscriptionDto, EventSubscriptionPageDto, UpdateEventSubscriptionDto } from './dto/event-subscription.dto.js';
import { EventAttempts } from './event-attempts.service.js';
import { EventSubscriptions } from './event-subscriptions.service.js';
import { SubscriptionError } from './subscription.errors.js';
import { ATTEMPT, SECRET, SUBSCRIPTION } from './subscriptions.examples.js';

const UNKNOWN = SubscriptionError.only('event_subscription_not_found');

@ApiTags('Event subscriptions')
@Controller('event-subscriptions')
export class EventSubscriptionsController {
  constructor(
    private readonly subscriptions: EventSubscriptions,
    private readonly attempts: EventAttempts,
  ) {}

  @Get()
  @Route({
    allow: 'event-subscriptions:read',
    summary: 'List event subscriptions',
    description: 'Newest first. Secrets are never shown again.',
    returns: EventSubscriptionPageDto,
    example: { data: [SUBSCRIPTION], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
  })
  listEventSubscriptions(@CurrentTenant() tenant: Tenant, @Query() query: PageQueryDto) {
    return this.subscriptions.list(tenant, query);
  }

  @Post()
  @Route({
    allow: 'event-subscriptions:manage',
    status: 201,
    summary: 'Subscribe to events',
    description:
      'From the answer on, every event of these types is posted to `url` as a Standard Webhook (https://www.standardwebhooks.com); what is posted stands under `webhooks` in this document. ' +
      'At most 20 a tenant. The secret is shown this once: an answer replayed for its Idempotency-Key comes without it, and `rotate` gives a new one.',
    returns: EventSubscriptionDto,
    versioned: true,
    example: { ...SUBSCRIPTION, secret: SECRET },
    bodies: { crm: { url: SUBSCRIPTION.url, events: SUBSCRIPTION.events } },
    errors: [SubscriptionError.only('too_many_subscriptions')],
    idempotent: true,
  })
  createEventSubscription(@Caller() caller: Principal, @Body() body: CreateEventSubscriptionDto) {
    return this.subscriptions.create(caller, body);
  }

  @Get(':subscription_id')
  @Route({ allow: 'event-subscriptions:read', summary: 'Get an event subscription', description: 'Includes the reason if we stopped sending to it.', returns: EventSubscriptionDto, versioned: true, example: SUBSCRIPTION, errors: [UNKNOWN] })
  getEventSubscription(@CurrentTenant() tenant: Tenant, @Param('subscription_id') id: string) {
    return this.subscriptions.get(tenant, id);
  }

  @Patch(':subscription_id')
  @Route({
    allow: 'event-subscriptions:manage',
    summary: 'Change an event subscription',
    description: 'A merge patch. Waiting messages go to the new `url`. While `active` is false, nothing is sent and no new events are kept; true resumes with the waiting messages, even after we disabled the subscription.',
    returns: EventSubscriptionDto,
    versioned: true,
    example: { ...SUBSCRIPTION, active: false },
    bodies: { pause: { active: false }, move: { url: 'https://crm.example.com/hooks/v2', events: ['campaign.completed'] } },
    errors: [UNKNOWN],
    conditional: true,
  })
  updateEventSubscription(@Caller() caller: Principal, @Param('subscription_id') id: string, @Body() patch: UpdateEventSubscriptionDto, @IfMatch() ifMatch?: Versions) {
    return this.subscriptions.update(caller, id, patch, ifMatch);
  }

  @Delete(':subscription_id')
  @Route({ allow: 'event-subscriptions:manage', status: 204, summary: 'Unsubscribe from events', description: 'Waiting messages and the log of attempts are deleted.', errors: [UNKNOWN], conditional: true })
  deleteEventSubscription(@Caller() caller: Principal, @Param('subscription_id') id: string, @IfMatch() ifMatch?: Versions) {
    return this.subscriptions.delete(caller, id, ifMatch);
  }

  @Post(':subscription_id/rotate')
  @Route({
    allow: 'event-subscriptions:manage',
    summary: 'Rotate a subscription’s secret',
    description: 'Signs with a new secret, shown only once. For another 24 hours every message is also signed with the old one, so that the receiver has time to switch.',
    returns: EventSubscriptionDto,
    versioned: true,
    example: { ...SUBSCRIPTION, secret: SECRET, previous_secret_valid_until: '2026-01-25T18:30:00.000Z' },
    errors: [UNKNOWN],
    conditional: true,
  })
  rotateEventSubscriptionSecret(@Caller() caller: Principal, @Param('subscription_id') id: string, @IfMatch() ifMatch?: Versions) {
    return this.subscriptions.rotate(caller, id, ifMatch);
  }

  @Get(':subscription_id/attempts')
  @Route({
    allow: 'event-subscriptions:read',
    summary: 'List attempts',
    description: 'What was posted to the subscription in the last 30 days, and the answers, newest first.',
    returns: EventAttemptPageDto,
    example: { data: [ATTEMPT], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
    errors: [UNKNOWN],
  })
  listEventAttempts(@CurrentTenant() tenant: Tenant, @Param('subscription_id') id: string, @Query() query: ListEventAttemptsDto) {
    return this.attempts.list(tenant, id, query);
  }

  @Post(':subscription_id/attempts/:attempt_id/retry')
  @Route({
    allow: 'event-subscriptions:manage',
    status: 202,
    summary: 'Send a message again',
    description: 'Posts the attempt’s message again, at once and with the same `webhook-id`, whatever its status. If that fails, the message continues with its retry schedule.',
    returns: EventAttemptDto,
    example: { ...ATTEMPT, next_attempt_at: '2026-01-24T18:40:00.000Z' },
    errors: [SubscriptionError.only('event_subscription_not_found', 'attempt_not_found', 'subscription_inactive')],
  })
  retryEventAttempt(@Caller() caller: Principal, @Param('subscription_id') id: string, @Param('attempt_id') attemptId: string) {
    return this.attempts.retry(caller, id, attemptId);
  }
}

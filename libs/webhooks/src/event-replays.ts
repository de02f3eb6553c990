import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Principal } from '#auth';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, type Tenant, validationFailed } from '#kernel';
import { AuditLog } from '#tenants';
import type { ReplayWebhookEventsDto, WebhookReplayDto } from './dto/webhook-event.dto.js';
import { firstIdOf } from './event-ids.js';
import { COUNT_RANGE, REOPEN_RANGE } from './events.queries.js';
import { Inbox } from './inbox.js';
import type { ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

/** The most events in one replay: minutes of work, so that nobody replays a month by mistake. */
const MOST_EVENTS = 100_000;

/** Events set back to pending per transaction. */
const CHUNK = 1_000;

interface Range {
  provider: ProviderId;
  /** Event ids; `to` is exclusive. */
  from: string;
  to: string;
  statuses: string[];
  /** When the replay was requested (RFC 3339). */
  askedAt: string;
}

const REPLAY = jobType<Range>('webhooks-replay-events', { expireSeconds: 300 });

/** Replays the events of a time range: for when a normaliser has been fixed, or what the events are about exists by now. */
@Injectable()
export class EventReplays implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly inbox: Inbox,
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(REPLAY, (tenant, range, signal) => this.reopen(tenant, range, signal));
  }

  /**
   * Has a worker set the events of a range back to pending and process them.
   *
   * @returns how many there are
   * @throws RequestError validation_failed for a range that ends before it begins; WebhookError too_many_events
   */
  async request({ tenant, subject }: Principal, provider: ProviderId, { from, to, status }: ReplayWebhookEventsDto): Promise<WebhookReplayDto> {
    const [begin, end] = [Date.parse(from.toUpperCase()), Date.parse(to.toUpperCase())];
    if (!(begin < end)) throw validationFailed([{ pointer: '/to', code: 'invalid', detail: '`to` must be after `from`.' }]);
    const statuses = status === undefined ? ['processed', 'unmatched', 'failed'] : [status];
    const range: Range = { provider, from: firstIdOf('whe', Math.max(0, begin)), to: firstIdOf('whe', Math.max(0, end)), statuses, askedAt: this.clock.now().toISOString() };
    return this.database.inTenant(tenant, async (tx) => {
      const [count] = await tx.query<{ events: number }[]>(COUNT_RANGE, [...valuesOf(tenant, range), MOST_EVENTS]);
      if (count!.events > MOST_EVENTS) throw new WebhookError('too_many_events');
      await this.auditLog.add(tx, tenant, subject, 'webhook.events_replayed', { provider, from, to, status: status ?? null, events: count!.events });
      if (count!.events > 0) await this.jobs.enqueue(tx, tenant, REPLAY, range);
      return { events: count!.events };
    });
  }

  /** Works in chunks. Repeated after a crash, it leaves events alone that were replayed already: they were settled after the request. */
  private async reopen(tenant: Tenant, range: Range, signal: AbortSignal): Promise<void> {
    for (let reopened = CHUNK; reopened === CHUNK; ) {
      signal.throwIfAborted(); // the job is retried
      reopened = await this.database.inTenant(tenant, async (tx) => {
        const { affected } = await tx.queryRunner!.query(REOPEN_RANGE, [...valuesOf(tenant, range), CHUNK], true);
        if (affected! > 0) await this.inbox.wake(tx, tenant);
        return affected!;
      });
    }
  }
}

const valuesOf = (tenant: Tenant, { provider, from, to, statuses, askedAt }: Range): unknown[] => [tenant.id, provider, from, to, statuses, askedAt];

import { Injectable } from '@nestjs/common';
import type { Principal } from '#auth';
import { boundedTotal, Database, readBoundedTotal } from '#database';
import { Clock, type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import { AuditLog } from '#tenants';
import { COLUMNS, LOG, OPEN_LANE, SEND_AGAIN, SUBSCRIPTION } from './attempt.queries.js';
import type { EventAttemptDto, ListEventAttemptsDto, MessageStatus } from './dto/event-attempt.dto.js';
import type { EventName } from './event-types.js';
import { isArrival } from './poster.js';
import { SubscriptionError } from './subscription.errors.js';

interface Row {
  attempt_id: string;
  message_id: string;
  type: EventName;
  status_code: number | null;
  error: string | null;
  duration_ms: number;
  answer: string | null;
  attempted_at: Date;
  message_status: MessageStatus;
  next_attempt_at: Date | null;
}

const isCursor = ([id, ...rest]: unknown[]): boolean => rest.length === 0 && typeof id === 'string' && /^att_[0-9a-z]{26}$/.test(id);

/** Lists the attempts of a subscription and sends messages again. */
@Injectable()
export class EventAttempts {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Newest first. @throws SubscriptionError event_subscription_not_found */
  async list(tenant: Tenant, subscriptionId: string, query: ListEventAttemptsDto): Promise<Paged<EventAttemptDto>> {
    const window = pageWindow<[string]>(query, `event-subscriptions/${subscriptionId}/attempts`, isCursor);
    const values = [tenant.id, subscriptionId, query.status ?? null];
    const [[known], rows, [counted]] = await this.database.read<[unknown[], Row[], { total: number }[]]>(
      tenant,
      { text: SUBSCRIPTION, values: [tenant.id, subscriptionId] },
      { text: `SELECT ${COLUMNS} ${LOG} AND ($4::text IS NULL OR a.attempt_id < $4) ORDER BY a.attempt_id DESC LIMIT $5 OFFSET $6`, values: [...values, window.after?.[0] ?? null, window.limit + 1, window.offset] },
      { text: boundedTotal(LOG), values },
    );
    if (known === undefined) throw new SubscriptionError('event_subscription_not_found');
    return toPage(rows, window, readBoundedTotal(counted!.total), toDto, (row) => [row.attempt_id]);
  }

  /**
   * Sends the attempt's message again, now and with the same id, whatever its status. If that fails too, the message continues with its
   * retry schedule.
   *
   * @throws SubscriptionError event_subscription_not_found, attempt_not_found, subscription_inactive
   */
  retry({ tenant, subject }: Principal, subscriptionId: string, attemptId: string): Promise<EventAttemptDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [subscription] = await tx.query<{ active: boolean }[]>(`${SUBSCRIPTION} FOR KEY SHARE`, [tenant.id, subscriptionId]);
      if (subscription === undefined) throw new SubscriptionError('event_subscription_not_found');
      if (!subscription.active) throw new SubscriptionError('subscription_inactive');
      await tx.query(SEND_AGAIN, [tenant.id, subscriptionId, attemptId, now]);
      const [row] = await tx.query<Row[]>(`SELECT ${COLUMNS} ${LOG} AND a.attempt_id = $4`, [tenant.id, subscriptionId, null, attemptId]);
      if (row === undefined) throw new SubscriptionError('attempt_not_found');
      await tx.query(OPEN_LANE, [tenant.id, subscriptionId, now]);
      await this.auditLog.add(tx, tenant, subject, 'event_subscription.retried', { subscription_id: subscriptionId, message_id: row.message_id });
      return toDto(row);
    });
  }
}

const toDto = (row: Row): EventAttemptDto => ({
  id: row.attempt_id,
  message_id: row.message_id,
  type: row.type,
  status: isArrival(row.status_code) ? 'succeeded' : 'failed',
  status_code: row.status_code,
  error: row.error,
  duration_ms: row.duration_ms,
  response: row.answer,
  attempted_at: row.attempted_at.toISOString(),
  message_status: row.message_status,
  next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
});

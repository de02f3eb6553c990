import { Injectable } from '@nestjs/common';
import type { Principal } from '#auth';
import { boundedTotal, Database, readBoundedTotal } from '#database';
import { type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import { AuditLog } from '#tenants';
import type { ListWebhookEventsDto, WebhookEventDto } from './dto/webhook-event.dto.js';
import { EVENT_COLUMNS, ONE_EVENT, REOPEN } from './events.queries.js';
import { Inbox } from './inbox.js';
import type { ProviderId } from './providers.js';
import { bodiesOf, type BodyRow, itemsOf } from './stored-bodies.js';
import { WebhookError } from './webhooks.errors.js';

interface EventRow extends Pick<WebhookEventDto, 'id' | 'provider' | 'type' | 'status' | 'reason' | 'attempts'> {
  due_at: Date | null;
  received_at: Date;
  processed_at: Date | null;
  body_id: string;
  item_no: number;
}

/** Bytes of bodies read for one page of events. */
const PAGE_BYTES = 8 * 1024 * 1024;

const isCursor = ([id, ...rest]: unknown[]): boolean => rest.length === 0 && typeof id === 'string' && /^whe_[0-9a-z]{26}$/.test(id);

/** Lists received events and replays them. */
@Injectable()
export class EventsService {
  constructor(
    private readonly database: Database,
    private readonly inbox: Inbox,
    private readonly auditLog: AuditLog,
  ) {}

  /** Newest first. */
  async list(tenant: Tenant, provider: ProviderId, request: ListWebhookEventsDto): Promise<Paged<WebhookEventDto>> {
    const window = pageWindow<[string]>(request, `webhooks/${provider}/events`, isCursor);
    const { status } = request;
    const matching = `FROM webhook_events WHERE tenant_id = $1 AND provider = $2${status === undefined ? '' : ` AND status = '${status}'`}`;
    const after = window.after === null ? '' : 'AND id < $5';
    const values = [tenant.id, provider];
    const [rows, [total]] = await this.database.read<[EventRow[], { total: number }[]]>(
      tenant,
      { text: `SELECT ${EVENT_COLUMNS} ${matching} ${after} ORDER BY id DESC LIMIT $3 OFFSET $4`, values: [...values, window.limit + 1, window.offset, ...(window.after ?? [])] },
      { text: boundedTotal(matching), values },
    );
    const payloads = await this.payloads(tenant, rows);
    return toPage(rows, window, readBoundedTotal(total!.total), (row) => toDto(row, payloads), (row) => [row.id]);
  }

  /**
   * Has the event processed again from the bytes received: for when its campaign or customer exists by now, or a bug of ours is fixed.
   *
   * @throws WebhookError webhook_event_not_found, invalid_state (the event is a duplicate, or erased)
   */
  async replay({ tenant, subject }: Principal, provider: ProviderId, id: string): Promise<WebhookEventDto> {
    const row = await this.database.inTenant(tenant, async (tx) => {
      await tx.query(REOPEN, [tenant.id, provider, id]);
      const [found] = await tx.query<EventRow[]>(ONE_EVENT, [tenant.id, provider, id]);
      if (found === undefined) throw new WebhookError('webhook_event_not_found');
      if (found.status !== 'pending') throw new WebhookError('invalid_state');
      await this.auditLog.add(tx, tenant, subject, 'webhook.event_replayed', { provider, event_id: id });
      await this.inbox.wake(tx, tenant);
      return found;
    });
    return toDto(row, await this.payloads(tenant, [row]));
  }

  /** The events' items by event id; null where a body cannot be read or exceeds the bound. */
  private async payloads(tenant: Tenant, rows: readonly EventRow[]): Promise<Map<string, unknown>> {
    if (rows.length === 0) return new Map();
    const bodies = await this.database.rows<BodyRow>(tenant, bodiesOf(tenant, rows, PAGE_BYTES));
    const items = new Map(bodies.map((body) => [body.id, itemsOf(body)?.items ?? []]));
    return new Map(rows.map((row) => [row.id, items.get(row.body_id)?.[row.item_no] ?? null]));
  }
}

const toDto = ({ id, provider, type, status, reason, attempts, due_at: due, received_at: received, processed_at: processed }: EventRow, payloads: Map<string, unknown>): WebhookEventDto => ({
  id,
  provider,
  type,
  status,
  reason,
  attempts,
  next_attempt_at: due?.toISOString() ?? null,
  received_at: received.toISOString(),
  processed_at: processed?.toISOString() ?? null,
  payload: payloads.get(id) ?? null,
});

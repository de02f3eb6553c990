import { Injectable } from '@nestjs/common';
import { boundedTotal, Database, readBoundedTotal } from '#database';
import { type Paged, pageWindow, type Tenant, toPage } from '#kernel';
import type { ListWebhookEventsDto, WebhookEventDto } from './dto/webhook-event.dto.js';
import { Inbox } from './inbox.js';
import { EVENT_COLUMNS, REOPEN } from './inbox.queries.js';
import type { ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

type EventRow = Omit<WebhookEventDto, 'received_at' | 'processed_at'> & { received_at: Date; processed_at: Date | null };

const isCursor = ([id, ...rest]: unknown[]): boolean => rest.length === 0 && typeof id === 'string' && /^whe_[0-9a-z]{26}$/.test(id);

/** What a provider has sent, to look at and to try again. */
@Injectable()
export class EventsService {
  constructor(
    private readonly database: Database,
    private readonly inbox: Inbox,
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
    return toPage(rows, window, readBoundedTotal(total!.total), toDto, (row) => [row.id]);
  }

  /**
   * Has the event processed again, as if it had just come: after its campaign or customer has appeared, or a fault of ours is mended.
   *
   * @throws WebhookError webhook_event_not_found, invalid_state (a duplicate)
   */
  async replay(tenant: Tenant, provider: ProviderId, id: string): Promise<WebhookEventDto> {
    return this.database.inTenant(tenant, async (tx) => {
      await tx.query(REOPEN, [tenant.id, provider, id]);
      const [row] = await tx.query<EventRow[]>(`SELECT ${EVENT_COLUMNS} FROM webhook_events WHERE tenant_id = $1 AND provider = $2 AND id = $3`, [tenant.id, provider, id]);
      if (row === undefined) throw new WebhookError('webhook_event_not_found');
      if (row.status === 'duplicate') throw new WebhookError('invalid_state');
      await this.inbox.wake(tx, tenant);
      return toDto(row);
    });
  }
}

const toDto = ({ received_at: received, processed_at: processed, ...row }: EventRow): WebhookEventDto => ({
  ...row,
  received_at: received.toISOString(),
  processed_at: processed?.toISOString() ?? null,
});

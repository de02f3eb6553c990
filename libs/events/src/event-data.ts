import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers, type PersonalDataSource, type Timeline, type TimelineEntry } from '#customers';
import { type JsonObject, type Tenant, toDecimal } from '#kernel';
import { SettingsService } from '#tenants';
import { orderGaps } from './order-gaps.js';
import { MOVE_ORDERS } from './orders.queries.js';

interface EventRow {
  occurred_at: Date;
  event_id: string;
  type: string;
  stage: string | null;
  order_id: string | null;
  amount: string | null;
  properties: JsonObject | null;
}

const COLUMNS = 'occurred_at, event_id, type, stage, order_id, amount, properties';

/** What this domain keeps of a person. */
@Injectable()
export class EventData implements PersonalDataSource {
  readonly name = 'events';
  readonly timelines = { event: this.timeline.bind(this) };

  constructor(
    private readonly customers: Customers,
    private readonly settings: SettingsService,
  ) {}

  private async timeline(...[tx, tenant, customerNo, limit, { at: before, key: behind }]: Parameters<Timeline>): Promise<TimelineEntry[]> {
    const rows = await tx.query<EventRow[]>(
      `SELECT ${COLUMNS} FROM events
        WHERE tenant_id = $1 AND customer_no = $2 AND (occurred_at < coalesce($3::timestamptz, 'infinity') OR (occurred_at = $3 AND event_id > $5))
        ORDER BY occurred_at DESC, event_id LIMIT $4`,
      [tenant.id, customerNo, before, limit, behind],
    );
    const { currency } = await this.settings.of(tx, tenant);
    return rows.map(({ occurred_at, event_id, type, stage, order_id, amount, properties }) => ({
      at: occurred_at,
      key: event_id,
      data: { id: event_id, event_type: type, stage, order_id, amount: amount === null ? null : toDecimal(amount, currency), properties },
    }));
  }

  async export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown> {
    const events = await tx.query<EventRow[]>(`SELECT ${COLUMNS} FROM events WHERE tenant_id = $1 AND customer_no = $2 ORDER BY occurred_at, event_id`, [tenant.id, customerNo]);
    const orders = await tx.query<{ total: string; refunded: string }[]>(
      'SELECT order_id, total, refunded, occurred_at, promo_code, location_id, channel, items FROM orders WHERE tenant_id = $1 AND customer_no = $2 ORDER BY occurred_at, order_id', [tenant.id, customerNo],
    );
    const { currency } = await this.settings.of(tx, tenant);
    return {
      events: events.map(({ amount, ...event }) => ({ ...event, amount: amount === null ? null : toDecimal(amount, currency) })),
      orders: orders.map(({ total, refunded, ...order }) => ({ ...order, total: toDecimal(total, currency), refunded: toDecimal(refunded, currency) })),
    };
  }

  /** That something happened, and for how much, stays for funnels and reports; what could name the person goes. */
  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    await tx.query('UPDATE events SET properties = NULL WHERE tenant_id = $1 AND customer_no = $2 AND properties IS NOT NULL', [tenant.id, customerNo]);
    await tx.query(`UPDATE orders SET items = '[]' WHERE tenant_id = $1 AND customer_no = $2`, [tenant.id, customerNo]);
  }

  /** The survivor's facts grow by the orders that move: so each counts once, however often this is called. */
  async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    await tx.query('UPDATE events SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, from, into]);
    const [moved] = await tx.query<[{ orders: number; spent: number; firstAt: Date | null; lastAt: Date | null }]>(MOVE_ORDERS, [tenant.id, from, into]);
    if (moved.orders > 0) await this.customers.recordOrderFacts(tx, tenant, [{ customerNo: into, ...moved }], orderGaps);
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import type { EventsRecordedDto } from './dto/events-recorded.dto.js';
import { EventMonths } from './event-months.js';
import { type ReadEvent, readEvents } from './event-reader.js';
import { CLAIM_IDS, INSERT_EVENTS } from './events.queries.js';
import { OrderBook } from './order-book.js';

/** Takes in batches of events: each id once, for ever. */
@Injectable()
export class EventsService {
  constructor(
    private readonly clock: Clock,
    private readonly customers: Customers,
    private readonly database: Database,
    private readonly months: EventMonths,
    private readonly orders: OrderBook,
    private readonly settings: SettingsService,
  ) {}

  async record(tenant: Tenant, events: readonly unknown[]): Promise<EventsRecordedDto> {
    const currency = await this.settings.currency(tenant);
    const { read, rejected } = await readEvents(events, currency, this.clock.now());
    const byId = new Map<string, ReadEvent>();
    for (const event of read) if (!byId.has(event.id)) byId.set(event.id, event);
    const once = [...byId.values()];
    await this.months.ensure(once.map((event) => event.at));
    return this.database.inTenant(tenant, async (tx) => {
      const accepted = once.length === 0 ? 0 : await this.store(tx, tenant, currency, once);
      return { accepted, duplicates: read.length - accepted, rejected };
    });
  }

  /** Everything in one order of locks: ids, customers, orders, facts. @returns how many are new */
  private async store(tx: EntityManager, tenant: Tenant, currency: string, events: readonly ReadEvent[]): Promise<number> {
    const { orders, refunds } = money(events);
    await this.orders.enter(tx, tenant, orders, refunds);
    const claimed = await tx.query<{ event_id: string }[]>(CLAIM_IDS, [tenant.id, events.map((event) => event.id)]);
    if (claimed.length === 0) return 0;
    const ids = new Set(claimed.map((row) => row.event_id));
    const fresh = events.filter((event) => ids.has(event.id));
    const numbers = await this.customers.ensure(tx, tenant, fresh.map((event) => event.customerId));
    const fact = money(fresh);
    const counted = await this.orders.record(tx, tenant, currency, fact.orders.map(({ event, ...order }) => ({ ...order, customerNo: numbers.get(event.customerId)!, at: event.at })), fact.refunds);
    // An order told again is kept, but it is no second purchase: only the first event of an order that counts has its stage.
    await this.insert(tx, tenant, fresh.map((event) => (event.order === null || counted.delete(event.order.orderId) ? event : { ...event, stage: null })), numbers);
    await this.customers.markChanged(tx, tenant, [...numbers.values()]);
    return fresh.length;
  }

  private async insert(tx: EntityManager, tenant: Tenant, events: readonly ReadEvent[], numbers: ReadonlyMap<string, number>): Promise<void> {
    await tx.query(INSERT_EVENTS, [
      tenant.id,
      events.map((event) => numbers.get(event.customerId)),
      events.map((event) => event.at),
      events.map((event) => event.type),
      events.map((event) => event.stage),
      events.map((event) => event.id),
      events.map((event) => event.order?.orderId ?? event.refund?.orderId ?? null),
      events.map((event) => event.order?.total ?? event.refund?.amount ?? null),
      events.map((event) => (event.properties === null ? null : JSON.stringify(event.properties))),
    ]);
  }
}

const money = (events: readonly ReadEvent[]) => ({
  orders: events.flatMap((event) => (event.order === null ? [] : [{ ...event.order, event }])),
  refunds: events.flatMap((event) => (event.refund === null ? [] : [event.refund])),
});

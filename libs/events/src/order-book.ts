import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers, type OrderFacts } from '#customers';
import { Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import type { OrderTold } from './event-reader.js';
import { orderGaps } from './order-gaps.js';
import { ALONE_WITH_ORDERS, AMONG_ORDERS, FORGET_REFUNDS_AHEAD, INSERT_ORDERS, KEEP_REFUNDS_AHEAD, KNOWN_ORDERS, LOCK_ORDERS, SET_REFUNDED } from './orders.queries.js';
import { ORDERS_RECORDED, type RecordedOrder } from './orders-recorded.js';

interface OrderRow {
  order_id: string;
  customer_no: number;
  total: string;
  refunded: string;
  occurred_at: Date;
  promo_code: string | null;
}

export interface NewOrder extends OrderTold {
  customerNo: number;
  at: Date;
}

export interface Refund {
  orderId: string;
  /** Minor units. */
  amount: number;
}

/** Orders and what was given back of them: each id counts once, refunds never exceed the total, the customers' facts follow in the same transaction. */
@Injectable()
export class OrderBook {
  constructor(
    private readonly customers: Customers,
    private readonly jobs: Jobs,
    private readonly settings: SettingsService,
  ) {}

  /**
   * Call first in the transaction. A refund may come before its order; then it waits in `refunds_ahead` for it. Were both
   * to arrive in two transactions at once, neither would see the other: so a batch with a refund of an order nobody has
   * seen works alone among the tenant's orders.
   */
  async enter(tx: EntityManager, tenant: Tenant, orders: readonly OrderTold[], refunds: readonly Refund[]): Promise<void> {
    if (orders.length + refunds.length === 0) return;
    const told = new Set(orders.map((order) => order.orderId));
    const elsewhere = [...new Set(refunds.map((refund) => refund.orderId))].filter((id) => !told.has(id));
    const known = elsewhere.length === 0 ? [] : await tx.query<unknown[]>(KNOWN_ORDERS, [tenant.id, elsewhere]);
    await tx.query(known.length < elsewhere.length ? ALONE_WITH_ORDERS : AMONG_ORDERS, [tenant.id]);
  }

  /**
   * @param currency that the amounts were read in
   * @returns the ids of the orders that count from now on
   */
  async record(tx: EntityManager, tenant: Tenant, currency: string, orders: readonly NewOrder[], refunds: readonly Refund[]): Promise<Set<string>> {
    if (orders.length + refunds.length === 0) return new Set();
    await this.settings.recordMoney(tx, tenant, currency);
    const changed = new Map<string, RecordedOrder>();
    const facts = await this.insert(tx, tenant, orders, changed);
    const counted = new Set(changed.keys());
    facts.push(...(await this.refund(tx, tenant, refunds, changed)));
    await this.customers.recordOrderFacts(tx, tenant, facts, orderGaps);
    if (changed.size > 0) await this.jobs.publish(tx, tenant, ORDERS_RECORDED, { orders: [...changed.values()] });
    return counted;
  }

  private async insert(tx: EntityManager, tenant: Tenant, orders: readonly NewOrder[], changed: Map<string, RecordedOrder>): Promise<OrderFacts[]> {
    const first = new Map<string, NewOrder>();
    for (const order of orders) if (!first.has(order.orderId)) first.set(order.orderId, order);
    if (first.size === 0) return [];
    const rows = [...first.values()];
    const counted = await tx.query<OrderRow[]>(INSERT_ORDERS, [
      tenant.id,
      rows.map((order) => order.orderId),
      rows.map((order) => order.customerNo),
      rows.map((order) => order.total),
      rows.map((order) => order.at),
      rows.map((order) => order.promoCode),
      rows.map((order) => order.locationId),
      rows.map((order) => order.channel),
      rows.map((order) => JSON.stringify(order.items)),
    ]);
    const ahead = counted.filter((row) => Number(row.refunded) > 0 || Number(row.total) === 0).map((row) => row.order_id);
    if (ahead.length > 0) await tx.query(FORGET_REFUNDS_AHEAD, [tenant.id, ahead]);
    for (const row of counted) changed.set(row.order_id, recorded(row, Number(row.refunded)));
    return counted.map((row) => ({ customerNo: row.customer_no, orders: 1, spent: Number(row.total) - Number(row.refunded), firstAt: row.occurred_at, lastAt: row.occurred_at }));
  }

  private async refund(tx: EntityManager, tenant: Tenant, refunds: readonly Refund[], changed: Map<string, RecordedOrder>): Promise<OrderFacts[]> {
    const amounts = new Map<string, number>();
    for (const { orderId, amount } of refunds) amounts.set(orderId, (amounts.get(orderId) ?? 0) + amount);
    if (amounts.size === 0) return [];
    const rows = await tx.query<OrderRow[]>(LOCK_ORDERS, [tenant.id, [...amounts.keys()]]);
    const facts: OrderFacts[] = [];
    const refunded: [string, number][] = [];
    for (const row of rows) {
      const after = Math.min(Number(row.total), Number(row.refunded) + amounts.get(row.order_id)!);
      amounts.delete(row.order_id);
      if (after === Number(row.refunded)) continue;
      refunded.push([row.order_id, after]);
      changed.set(row.order_id, recorded(row, after));
      facts.push({ customerNo: row.customer_no, orders: 0, spent: Number(row.refunded) - after, firstAt: null, lastAt: null });
    }
    if (refunded.length > 0) await tx.query(SET_REFUNDED, [tenant.id, refunded.map(([id]) => id), refunded.map(([, amount]) => amount)]);
    if (amounts.size > 0) await tx.query(KEEP_REFUNDS_AHEAD, [tenant.id, [...amounts.keys()], [...amounts.values()]]);
    return facts;
  }
}

const recorded = (row: OrderRow, refunded: number): RecordedOrder => ({
  order_id: row.order_id,
  customer_no: row.customer_no,
  total: Number(row.total) - refunded,
  occurred_at: row.occurred_at.toISOString(),
  promo_code: row.promo_code,
});

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { RecordedOrder } from './orders-recorded.js';
import { ACTIVATION_ORDER, type Stage } from './stages.js';

/** An order as it stands now. */
export interface StandingOrder extends RecordedOrder {
  /** Minor units, before refunds. */
  gross: number;
}

const STANDING = `SELECT o.order_id, o.customer_no, (o.total - o.refunded)::float8 AS total, o.total::float8 AS gross, o.occurred_at, o.promo_code FROM orders o`;

/** What the other domains ask of events. */
@Injectable()
export class Events {
  /**
   * SQL of every stage a customer reached: `SELECT tenant_id, customer_no, stage, occurred_at`. Activation and retention are
   * read off all the customer's orders, so orders that come late still count in their place, and somebody's tenth order is not
   * their second because the other eight were before the period. Put it in a subquery and filter it by `tenant_id = …` (which
   * reaches every branch's index) and `stage = …` (which folds to false in the branches it does not want, so that they never run:
   * 3 times as fast for a month's funnel as one branch joined with the two numbers).
   *
   * @param retentionFromOrder the tenant's setting: the order that makes a regular
   */
  stageSource(retentionFromOrder = 3): string {
    return `SELECT tenant_id, customer_no, stage, occurred_at FROM events WHERE stage IS NOT NULL
      UNION ALL ${nthOrder('activation', ACTIVATION_ORDER)}
      UNION ALL ${nthOrder('retention', retentionFromOrder)}`;
  }

  /** SQL of all orders but those that were refunded to nothing: `SELECT tenant_id, customer_no, occurred_at`. For a subquery that is filtered by tenant. */
  standingSource(): string {
    return 'SELECT tenant_id, customer_no, occurred_at FROM orders WHERE total = 0 OR refunded < total';
  }

  /** Whether the customer has any order but this one. */
  async hasOtherOrder(tx: EntityManager, tenant: Tenant, customerNo: number, orderId: string): Promise<boolean> {
    const [row] = await tx.query<{ found: boolean }[]>(
      'SELECT EXISTS (SELECT 1 FROM orders WHERE tenant_id = $1 AND customer_no = $2 AND order_id <> $3) AS found', [tenant.id, customerNo, orderId],
    );
    return row!.found;
  }

  /** Those of these orders that were reported. An event may be old news; this is what holds. */
  async ordersById(tx: EntityManager, tenant: Tenant, orderIds: readonly string[]): Promise<StandingOrder[]> {
    return plain(await tx.query<StoredOrder[]>(`${STANDING} WHERE o.tenant_id = $1 AND o.order_id = ANY ($2::text[])`, [tenant.id, orderIds]));
  }

  /** The ids of the customers' orders in the span, both ends included. */
  async orderIdsBetween(tx: EntityManager, tenant: Tenant, customerNos: readonly number[], from: Date, until: Date): Promise<string[]> {
    const rows = await tx.query<{ order_id: string }[]>(
      'SELECT order_id FROM orders WHERE tenant_id = $1 AND customer_no = ANY ($2::int[]) AND occurred_at BETWEEN $3 AND $4',
      [tenant.id, customerNos, from, until],
    );
    return rows.map((row) => row.order_id);
  }
}

type StoredOrder = Omit<StandingOrder, 'occurred_at'> & { occurred_at: Date };

const plain = (rows: StoredOrder[]): StandingOrder[] => rows.map((row) => ({ ...row, occurred_at: row.occurred_at.toISOString() }));

/** The moment of each customer's nth order. Of two at one instant either may be called the nth; the moment is the same. */
function nthOrder(stage: Stage, nth: number): string {
  if (!Number.isSafeInteger(nth)) throw new Error('an order is the first, second or so, not in between');
  return `SELECT tenant_id, customer_no, '${stage}', occurred_at
    FROM (SELECT tenant_id, customer_no, occurred_at, row_number() OVER (PARTITION BY tenant_id, customer_no ORDER BY occurred_at) AS nth FROM orders) numbered
    WHERE nth = ${nth}`;
}

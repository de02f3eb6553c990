import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { ACTIVATION_ORDER } from './stages.js';

/** What the other domains ask of events. */
@Injectable()
export class Events {
  /**
   * SQL of every stage a customer reached: `SELECT tenant_id, customer_no, stage, occurred_at`. Activation and retention are
   * read off the orders, so orders that come late still count in their place. Put it in a subquery and filter it by
   * `tenant_id = …` (which reaches both branches' indexes).
   *
   * @param retentionFromOrder the tenant's setting: the order that makes a regular
   */
  stageSource(retentionFromOrder = 3): string {
    if (!Number.isSafeInteger(retentionFromOrder)) throw new Error('retentionFromOrder must be an integer');
    return `SELECT tenant_id, customer_no, stage, occurred_at FROM events WHERE stage IS NOT NULL
      UNION ALL
      SELECT numbered.tenant_id, numbered.customer_no, derived.stage, numbered.occurred_at
        FROM (SELECT tenant_id, customer_no, occurred_at, row_number() OVER (PARTITION BY tenant_id, customer_no ORDER BY occurred_at, order_id) AS nth FROM orders) numbered
        JOIN (VALUES ('activation', ${ACTIVATION_ORDER}), ('retention', ${retentionFromOrder})) AS derived (stage, nth) ON derived.nth = numbered.nth`;
  }

  /** How many orders of the customer count. */
  async ordersOf(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<{ count: number }> {
    const [row] = await tx.query<{ count: number }[]>('SELECT count(*)::int AS count FROM orders WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
    return row!;
  }
}

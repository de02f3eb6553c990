import type { EntityManager } from 'typeorm';
import type { Position } from '#customers';
import type { Tenant } from '#kernel';
import type { Standing } from './judgement.js';
import type { Redemption } from './redemption.js';

const REDEMPTION = `SELECT r.redemption_id AS "redemptionId", r.promo_no AS "promoNo", p.promo_id AS "promoId", r.code, r.customer_no AS "customerNo",
    r.order_id AS "orderId", r.status, r.currency, r.order_amount::float8 AS "orderAmount", r.order_total::float8 AS "orderTotal", r.discount::float8,
    r.delivery_discount::float8 AS "deliveryDiscount", r.line_ids AS "lineIds", r.line_discounts::float8[] AS "lineDiscounts", r.day::text,
    r.created_at AS "createdAt", r.rolled_back_at AS "rolledBackAt", r.rollback_reason AS "rollbackReason"
  FROM promo_redemptions r JOIN promos p ON p.tenant_id = r.tenant_id AND p.promo_no = r.promo_no`;

/** In the order of the ids. */
export const redemptionsById = (tx: EntityManager, tenant: Tenant, ids: readonly string[]): Promise<Redemption[]> =>
  tx.query(`${REDEMPTION} WHERE r.tenant_id = $1 AND r.redemption_id = ANY($2) ORDER BY array_position($2, r.redemption_id)`, [tenant.id, ids]);

/** Newest first. */
export const redemptionsOfCustomer = (tx: EntityManager, tenant: Tenant, customerNo: number, limit: number | null, { at, key }: Position): Promise<Redemption[]> =>
  tx.query(
    `${REDEMPTION} WHERE r.tenant_id = $1 AND r.customer_no = $2 AND (r.created_at < coalesce($3::timestamptz, 'infinity') OR (r.created_at = $3 AND r.redemption_id < $5))
      ORDER BY r.created_at DESC, r.redemption_id DESC LIMIT $4`,
    [tenant.id, customerNo, at, limit, key],
  );

/** Those taken back, last taken back first. */
export const rollbacksOfCustomer = (tx: EntityManager, tenant: Tenant, customerNo: number, limit: number, { at, key }: Position): Promise<Redemption[]> =>
  tx.query(
    `${REDEMPTION} WHERE r.tenant_id = $1 AND r.customer_no = $2 AND (r.rolled_back_at < coalesce($3::timestamptz, 'infinity') OR (r.rolled_back_at = $3 AND r.redemption_id < $5))
      ORDER BY r.rolled_back_at DESC, r.redemption_id DESC LIMIT $4`,
    [tenant.id, customerNo, at, limit, key],
  );

/** One redemption at a time for an order, so that what may not be combined never meets. */
export async function lockOrder(tx: EntityManager, tenant: Tenant, orderId: string): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('promo order ' || $1::int || '/' || $2, 0))`, [tenant.id, orderId]);
}

/** What was redeemed on the order and stands. */
export async function standingOn(tx: EntityManager, tenant: Tenant, orderId: string): Promise<Standing[]> {
  const rows = await tx.query<(Omit<Standing, 'lineDiscounts'> & { lineIds: string[]; taken: number[] })[]>(
    `SELECT r.promo_no AS "promoNo", p.stackable, r.delivery_discount::float8 AS "deliveryDiscount", r.line_ids AS "lineIds", r.line_discounts::float8[] AS taken
       FROM promo_redemptions r JOIN promos p ON p.tenant_id = r.tenant_id AND p.promo_no = r.promo_no
      WHERE r.tenant_id = $1 AND r.order_id = $2 AND r.status IN ('reserved', 'redeemed')`,
    [tenant.id, orderId],
  );
  return rows.map(({ lineIds, taken, ...standing }) => ({ ...standing, lineDiscounts: new Map(lineIds.map((id, line) => [id, taken[line]!])) }));
}

/** Whether the customer redeemed anything that stands on another order than this. */
export async function redeemedElsewhere(tx: EntityManager, tenant: Tenant, customerNo: number, orderId: string): Promise<boolean> {
  const [row] = await tx.query<{ found: boolean }[]>(
    `SELECT EXISTS (SELECT 1 FROM promo_redemptions WHERE tenant_id = $1 AND customer_no = $2 AND order_id <> $3 AND status IN ('reserved', 'redeemed')) AS found`,
    [tenant.id, customerNo, orderId],
  );
  return row!.found;
}

/** How often the customer used each of the promos. */
export async function usesOf(tx: EntityManager, tenant: Tenant, customerNo: number, promoNos: readonly number[]): Promise<Map<number, number>> {
  const rows = await tx.query<{ promoNo: number; uses: number }[]>(
    'SELECT promo_no AS "promoNo", uses FROM promo_customers WHERE tenant_id = $1 AND customer_no = $2 AND promo_no = ANY($3)',
    [tenant.id, customerNo, promoNos],
  );
  return new Map(rows.map(({ promoNo, uses }) => [promoNo, uses]));
}

/** Rows of one call: they share customer, order and instant. */
export async function insertRedemptions(tx: EntityManager, tenant: Tenant, rows: readonly Redemption[]): Promise<void> {
  const { customerNo, orderId, status, currency, orderAmount, orderTotal, lineIds, day, createdAt } = rows[0]!;
  const each = rows.map(({ redemptionId, promoNo, code, discount, deliveryDiscount, lineDiscounts }) => ({ redemptionId, promoNo, code, discount, deliveryDiscount, lineDiscounts }));
  await tx.query(
    `INSERT INTO promo_redemptions (tenant_id, redemption_id, promo_no, code, customer_no, order_id, status, currency, order_amount, order_total, discount, delivery_discount,
       line_ids, line_discounts, day, created_at)
     SELECT $1, "redemptionId", "promoNo", code, $2, $3, $4, $5, $6, $7, discount, "deliveryDiscount", $8, "lineDiscounts", $9, $10
       FROM jsonb_to_recordset($11) AS r("redemptionId" text, "promoNo" int, code text, discount bigint, "deliveryDiscount" bigint, "lineDiscounts" bigint[])`,
    [tenant.id, customerNo, orderId, status, currency, orderAmount, orderTotal, lineIds, day, createdAt, JSON.stringify(each)],
  );
}

/** @returns whether this call did it: of several at once, one does */
export async function markRolledBack(tx: EntityManager, tenant: Tenant, redemptionId: string, at: Date, reason: string | null): Promise<boolean> {
  const [, changed] = await tx.query<[unknown, number]>(
    `UPDATE promo_redemptions SET status = 'rolled_back', rolled_back_at = $3, rollback_reason = $4
      WHERE tenant_id = $1 AND redemption_id = $2 AND status = 'redeemed'`,
    [tenant.id, redemptionId, at, reason],
  );
  return changed > 0;
}

/** Takes the customer out of the ledger; sums and limits of the promos stay as they are. */
export async function forgetCustomer(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
  await tx.query('UPDATE promo_redemptions SET customer_no = NULL, rollback_reason = NULL WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
  await tx.query('DELETE FROM promo_customers WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
}

/** Both customers' uses count as one's, against the limit per customer too; a promo that both used was used by one customer less. */
export async function mergeCustomers(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
  await tx.query('UPDATE promo_redemptions SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, from, into]);
  await tx.query(
    `WITH moved AS (DELETE FROM promo_customers WHERE tenant_id = $1 AND customer_no = $2 RETURNING promo_no, uses),
     summed AS (
       INSERT INTO promo_customers AS kept (tenant_id, customer_no, promo_no, uses) SELECT $1, $3, promo_no, uses FROM moved ORDER BY promo_no
       ON CONFLICT (tenant_id, customer_no, promo_no) DO UPDATE SET uses = kept.uses + excluded.uses
       RETURNING promo_no, uses),
     shared AS (SELECT promo_no FROM moved JOIN summed USING (promo_no) WHERE moved.uses > 0 AND summed.uses > moved.uses)
     UPDATE promo_totals t SET customers = t.customers - 1
       FROM (SELECT promo_no, min(shard) AS shard FROM promo_totals JOIN shared USING (promo_no) WHERE tenant_id = $1 GROUP BY promo_no) counted
      WHERE t.tenant_id = $1 AND t.promo_no = counted.promo_no AND t.shard = counted.shard`,
    [tenant.id, from, into],
  );
}

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';

/** What one redemption, or taking it back (then all is negative), does to its promo's counters. */
export interface UsageChange {
  promoNo: number;
  /** Counts in the one row that the promo's limit locks. */
  limited: boolean;
  /** The tenant's calendar day, `YYYY-MM-DD`. */
  day: string;
  uses: 1 | -1;
  customers: -1 | 0 | 1;
  /** Minor units. */
  discount: number;
  revenue: number;
}

const SHARD = 'CASE WHEN limited THEN 0 ELSE pg_backend_pid() % 16 END';

const columns = (changes: readonly UsageChange[], ...names: (keyof UsageChange)[]): unknown[][] => names.map((name) => changes.map((one) => one[name]));

/**
 * Counts one use more or less for the customer, under the lock of that counter.
 *
 * @returns the customer's uses of each promo, this one included
 */
export async function countForCustomer(tx: EntityManager, tenant: Tenant, customerNo: number, promoNos: readonly number[], uses: 1 | -1): Promise<Map<number, number>> {
  const rows = await tx.query<{ promoNo: number; uses: number }[]>(
    `INSERT INTO promo_customers AS kept (tenant_id, customer_no, promo_no, uses) SELECT $1, $2, promo_no, $4 FROM unnest($3::int[]) AS promo_no ORDER BY promo_no
     ON CONFLICT (tenant_id, customer_no, promo_no) DO UPDATE SET uses = kept.uses + excluded.uses
     RETURNING promo_no AS "promoNo", uses`,
    [tenant.id, customerNo, promoNos, uses],
  );
  return new Map(rows.map((row) => [row.promoNo, row.uses]));
}

/**
 * Counts for the promos as a whole; in the order of their numbers, so that two who count the same promos never wait for each other in a circle.
 * The last thing before COMMIT: the row of a limited promo stays locked from here on.
 *
 * @returns what was used up of each limited promo, these changes included
 */
export async function countForPromos(tx: EntityManager, tenant: Tenant, changes: readonly UsageChange[]): Promise<Map<number, { uses: number; discounted: number }>> {
  const rows = await tx.query<{ promoNo: number; uses: number; discounted: number }[]>(
    `INSERT INTO promo_totals AS kept (tenant_id, promo_no, shard, uses, customers, discount, revenue)
     SELECT $1, promo_no, ${SHARD}, uses, customers, discount, revenue
       FROM unnest($2::int[], $3::boolean[], $4::int[], $5::int[], $6::bigint[], $7::bigint[]) AS change (promo_no, limited, uses, customers, discount, revenue) ORDER BY promo_no
     ON CONFLICT (tenant_id, promo_no, shard) DO UPDATE SET uses = kept.uses + excluded.uses, customers = kept.customers + excluded.customers,
       discount = kept.discount + excluded.discount, revenue = kept.revenue + excluded.revenue
     RETURNING promo_no AS "promoNo", uses::float8, discount::float8 AS discounted`,
    [tenant.id, ...columns(changes, 'promoNo', 'limited', 'uses', 'customers', 'discount', 'revenue')],
  );
  return new Map(rows.map(({ promoNo, ...used }) => [promoNo, used]));
}

export async function countForDays(tx: EntityManager, tenant: Tenant, changes: readonly UsageChange[]): Promise<void> {
  await tx.query(
    `INSERT INTO promo_days AS kept (tenant_id, promo_no, day, shard, uses, discount, revenue)
     SELECT $1, promo_no, day, pg_backend_pid() % 16, uses, discount, revenue
       FROM unnest($2::int[], $3::date[], $4::int[], $5::bigint[], $6::bigint[]) AS change (promo_no, day, uses, discount, revenue) ORDER BY promo_no
     ON CONFLICT (tenant_id, promo_no, day, shard) DO UPDATE SET uses = kept.uses + excluded.uses, discount = kept.discount + excluded.discount, revenue = kept.revenue + excluded.revenue`,
    [tenant.id, ...columns(changes, 'promoNo', 'day', 'uses', 'discount', 'revenue')],
  );
}

import type { EntityManager } from 'typeorm';
import { boundedTotal, keptTotal, type Statement } from '#database';
import type { Tenant, Window } from '#kernel';
import type { CodedPromo, Promo, PromoEntity, PromoStatus, PromoType } from './promo.entity.js';

/** A promo under the names of {@link PromoEntity}, amounts as numbers (whole ones, so float8 keeps them), with what was used up. */
const PROMO = `SELECT p.promo_no AS "promoNo", p.promo_id AS "promoId", p.code, p.type, p.value::float8, p.min_order_amount::float8 AS "minOrderAmount",
    p.max_discount::float8 AS "maxDiscount", p.usage_limit AS "usageLimit", p.per_customer_limit AS "perCustomerLimit", p.budget::float8,
    p.valid_from AS "validFrom", p.valid_until AS "validUntil", p.applies_to AS "appliesTo", p.schedule, p.segment_no AS "segmentNo", p.segment_id AS "segmentId",
    p.first_order_only AS "firstOrderOnly", p.unique_codes_only AS "uniqueCodesOnly", p.stackable, p.priority, p.status, p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.version,
    used.uses, used.discounted
  FROM promos p
  CROSS JOIN LATERAL (SELECT coalesce(sum(t.uses), 0)::float8 AS uses, coalesce(sum(t.discount), 0)::float8 AS discounted
    FROM promo_totals t WHERE t.tenant_id = p.tenant_id AND t.promo_no = p.promo_no) used`;

export const promoById = (tenant: Tenant, promoId: string): Statement => ({
  name: 'promo_by_id',
  text: `${PROMO} WHERE p.tenant_id = $1 AND p.promo_id = $2`,
  values: [tenant.id, promoId],
});

export interface PromoFilter {
  status?: PromoStatus;
  type?: PromoType;
  code?: string;
}

/** Who has or had the code `$4` as their own, and whose customer has it. */
const NAMED = `SELECT promo_no FROM promos WHERE tenant_id = $1 AND code = $4 UNION ALL SELECT promo_no FROM promo_codes WHERE tenant_id = $1 AND code = $4 AND customer_no IS NOT NULL`;

/** The page of a list, newest first, and how many match in all. */
export function promoList(tenant: Tenant, filter: PromoFilter, window: Window<[string]>): [page: Statement, total: Statement] {
  const values: unknown[] = [tenant.id, filter.status ?? null, filter.type ?? null, filter.code ?? null];
  const matching = `p.tenant_id = $1 AND ($2::text IS NULL OR p.status = $2) AND ($3::text IS NULL OR p.type = $3) AND ($4::text IS NULL OR p.promo_no IN (${NAMED}))`;
  const page = {
    text: `${PROMO} WHERE ${matching} AND ($5::text IS NULL OR p.promo_id < $5) ORDER BY p.promo_id DESC LIMIT $6 OFFSET $7`,
    values: [...values, window.after?.[0] ?? null, window.limit + 1, window.offset],
  };
  if (filter.code !== undefined) return [page, { text: boundedTotal(`FROM promos p WHERE ${matching}`), values }];
  const bucket = `($2::text IS NULL OR split_part(bucket, '/', 1) = $2) AND ($3::text IS NULL OR split_part(bucket, '/', 2) = $3)`;
  return [page, { text: keptTotal('promos', '$1', bucket), values: values.slice(0, 3) }];
}

/**
 * Gives the code to the promo, or not when one that is not archived has it, or a customer. Archiving is for ever, so a promo
 * that this statement sees archived is.
 */
export async function claimCode(tx: EntityManager, tenant: Tenant, code: string, promoNo: number): Promise<boolean> {
  const claimed = await tx.query<unknown[]>(
    `INSERT INTO promo_codes AS held (tenant_id, code, promo_no) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, code) DO UPDATE SET promo_no = excluded.promo_no
       WHERE held.customer_no IS NULL AND EXISTS (SELECT 1 FROM promos p WHERE p.tenant_id = held.tenant_id AND p.promo_no = held.promo_no AND p.status = 'archived')
     RETURNING code`,
    [tenant.id, code, promoNo],
  );
  return claimed.length > 0;
}

/** The promos that the codes name, under the code asked for. */
export async function promosByCode(tx: EntityManager, tenant: Tenant, codes: readonly string[]): Promise<Map<string, CodedPromo>> {
  const rows = await tx.query<(Omit<CodedPromo, 'assigned'> & { asked: string; customerNo: number | null; campaignNo: number; redeemed: boolean })[]>(
    `SELECT c.code AS asked, c.customer_no AS "customerNo", c.campaign_no AS "campaignNo", c.redemption_id IS NOT NULL AS redeemed, promo.* FROM promo_codes c JOIN LATERAL (${PROMO} WHERE p.tenant_id = c.tenant_id AND p.promo_no = c.promo_no) promo ON TRUE
      WHERE c.tenant_id = $1 AND c.code = ANY($2)`,
    [tenant.id, codes],
  );
  return new Map(rows.map(({ asked, customerNo, campaignNo, redeemed, ...promo }) => [asked, { ...promo, assigned: customerNo === null ? null : { customerNo, campaignNo, redeemed } }]));
}

/** Which promo a code names, and of which campaign a customer was given it. */
export interface CodeHolder {
  promoId: string | null;
  campaignNo: number | null;
}

/** The latest promo made with each code until its instant: a code belongs to one promo at a time, so its latest holder is the one. A customer's code never changes hands. */
export async function codeHolders(tx: EntityManager, tenant: Tenant, asked: readonly { code: string | null; at: string }[]): Promise<CodeHolder[]> {
  return tx.query<CodeHolder[]>(
    `SELECT coalesce(given.promo_id, held.promo_id) AS "promoId", given.campaign_no AS "campaignNo" FROM unnest($2::text[], $3::timestamptz[]) WITH ORDINALITY AS a (code, at, place)
       LEFT JOIN LATERAL (SELECT p.promo_id FROM promos p WHERE p.tenant_id = $1 AND p.code = a.code AND p.created_at <= a.at ORDER BY p.created_at DESC LIMIT 1) held ON true
       LEFT JOIN LATERAL (SELECT p.promo_id, c.campaign_no FROM promo_codes c JOIN promos p ON p.tenant_id = $1 AND p.promo_no = c.promo_no
                           WHERE c.tenant_id = $1 AND c.code = a.code AND c.customer_no IS NOT NULL) given ON true
      ORDER BY a.place`,
    [tenant.id, asked.map(({ code }) => code), asked.map(({ at }) => at)],
  );
}

/** Redeemers hold a promo's terms shared while they work, an editor holds them alone: see {@link holdTerms}. */
const TERMS_LOCK = `hashtextextended('promo terms ' || $1::int || '/' || promo_no, 0)`;

/** Keeps the terms of the promos as they are until the transaction ends. In memory only, and shared: redeemers do not wait for each other. */
export async function shareTerms(tx: EntityManager, tenant: Tenant, { codes = [], promoNos = [] }: { codes?: readonly string[]; promoNos?: readonly number[] }): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock_shared(${TERMS_LOCK})
       FROM (SELECT promo_no FROM promo_codes WHERE tenant_id = $1 AND code = ANY($2) UNION SELECT unnest($3::int[]) ORDER BY 1) named`,
    [tenant.id, codes, promoNos],
  );
}

/** Waits for the redeemers under way and keeps new ones out until the transaction ends, so that a new limit counts every use before it. */
export async function holdTerms(tx: EntityManager, tenant: Tenant, promoId: string): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(${TERMS_LOCK}) FROM promos WHERE tenant_id = $1 AND promo_id = $2`, [tenant.id, promoId]);
}

/** Brings a promo's counters together in shard 0, the one that a limit locks. */
export async function gatherTotals(tx: EntityManager, tenant: Tenant, { promoNo }: Pick<PromoEntity, 'promoNo'>): Promise<void> {
  await tx.query(
    `WITH scattered AS (DELETE FROM promo_totals WHERE tenant_id = $1 AND promo_no = $2 AND shard > 0 RETURNING uses, customers, discount, revenue)
     INSERT INTO promo_totals AS kept (tenant_id, promo_no, shard, uses, customers, discount, revenue)
     SELECT $1, $2, 0, sum(uses), sum(customers), sum(discount), sum(revenue) FROM scattered HAVING count(*) > 0
     ON CONFLICT (tenant_id, promo_no, shard) DO UPDATE SET uses = kept.uses + excluded.uses, customers = kept.customers + excluded.customers,
       discount = kept.discount + excluded.discount, revenue = kept.revenue + excluded.revenue`,
    [tenant.id, promoNo],
  );
}

/** Why a segment must stay: a promo that is not archived is for its members. */
export async function promoNeeding(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<string | null> {
  const [promo] = await tx.query<{ code: string }[]>(`SELECT code FROM promos WHERE tenant_id = $1 AND segment_no = $2 AND status <> 'archived' LIMIT 1`, [tenant.id, segmentNo]);
  return promo === undefined ? null : `The promo ${promo.code} is for it.`;
}

export const promosByNo = (tx: EntityManager, tenant: Tenant, promoNos: readonly number[]): Promise<Promo[]> =>
  tx.query(`${PROMO} WHERE p.tenant_id = $1 AND p.promo_no = ANY($2)`, [tenant.id, promoNos]);

/** Has those who want the same new code for a campaign do it one after the other: the second finds the first's. */
export async function lockCode(tx: EntityManager, tenant: Tenant, code: string): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('promo code ' || $1::int || '/' || $2, 0))`, [tenant.id, code]);
}

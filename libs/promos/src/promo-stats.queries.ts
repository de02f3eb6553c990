import type { Statement } from '#database';
import type { Tenant } from '#kernel';

export interface PromoTotals {
  currency: string;
  usageLimit: number | null;
  budget: number | null;
  uses: number;
  customers: number;
  discount: number;
  revenue: number;
}

export interface PromoDay {
  date: string;
  uses: number;
  discount: number;
  revenue: number;
}

/** The promo's kept counters: one row, or none for an unknown promo. */
export const promoTotals = (tenant: Tenant, promoId: string): Statement => ({
  name: 'promo_totals',
  text: `SELECT s.currency, p.usage_limit AS "usageLimit", p.budget::float8, coalesce(sum(t.uses), 0)::float8 AS uses, coalesce(sum(t.customers), 0)::float8 AS customers,
           coalesce(sum(t.discount), 0)::float8 AS discount, coalesce(sum(t.revenue), 0)::float8 AS revenue
      FROM promos p JOIN tenant_settings s ON s.tenant_id = p.tenant_id LEFT JOIN promo_totals t ON t.tenant_id = p.tenant_id AND t.promo_no = p.promo_no
     WHERE p.tenant_id = $1 AND p.promo_id = $2
     GROUP BY s.currency, p.usage_limit, p.budget`,
  values: [tenant.id, promoId],
});

export const promoDays = (tenant: Tenant, promoId: string): Statement => ({
  name: 'promo_days',
  text: `SELECT d.day::text AS date, sum(d.uses)::float8 AS uses, sum(d.discount)::float8 AS discount, sum(d.revenue)::float8 AS revenue
      FROM promos p JOIN promo_days d ON d.tenant_id = p.tenant_id AND d.promo_no = p.promo_no
     WHERE p.tenant_id = $1 AND p.promo_id = $2
     GROUP BY d.day HAVING sum(d.uses) <> 0 ORDER BY d.day`,
  values: [tenant.id, promoId],
});

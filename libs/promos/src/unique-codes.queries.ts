import { uniqueCodeSql } from './unique-code.js';

/** SQL of the codes that customers are given; `$1` is the tenant, `$2` the campaign. */

/** A code of the promo `$3` for each of the customers `$4`; left out are who has one, and codes that exist. The numbers come as a parameter: a join would be planned by how few rows there were when the audience was nobody yet. */
export const RESERVE = `
  WITH made AS (
    INSERT INTO promo_codes (tenant_id, code, promo_no, campaign_no, customer_no)
    SELECT $1, ${uniqueCodeSql('p.code', 'n.bits')}, p.promo_no, $2, n.customer_no
      FROM promos p CROSS JOIN (SELECT customer_no, uuid_send(gen_random_uuid()) AS bits FROM unnest($4::int[]) AS customer_no) n
     WHERE p.tenant_id = $1 AND p.promo_id = $3
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT count(*)::int AS made FROM made`;

/** Who turned out to be one with another who was told a code, too, keeps both; the own one comes last. */
export const ASSIGNED = `
  SELECT customer_no, code FROM promo_codes WHERE tenant_id = $1 AND campaign_no = $2 AND customer_no = ANY ($3::int[]) ORDER BY merged_no NULLS LAST`;

/** In the order of the codes, so that two who want the same ones never wait for each other in a circle. */
export const TAKE = `
  WITH held AS MATERIALIZED (
    SELECT c.code, t.redemption_id FROM unnest($2::text[], $3::text[]) AS t (code, redemption_id)
      JOIN promo_codes c ON c.tenant_id = $1 AND c.code = t.code AND c.redemption_id IS NULL
     ORDER BY c.code FOR UPDATE OF c),
  taken AS (UPDATE promo_codes c SET redemption_id = held.redemption_id FROM held WHERE c.tenant_id = $1 AND c.code = held.code RETURNING c.code)
  SELECT code FROM taken`;

export const OF_CUSTOMER = `
  SELECT c.code, p.promo_id, c.redemption_id FROM promo_codes c JOIN promos p ON p.tenant_id = $1 AND p.promo_no = c.promo_no
   WHERE c.tenant_id = $1 AND c.customer_no = $2 ORDER BY c.campaign_no, c.code`;

/** What is left of a used code is the redemption, which names nobody. */
export const FORGET_CODES = 'DELETE FROM promo_codes WHERE tenant_id = $1 AND customer_no = $2';

/** Codes that were sent are kept: where both were told one of a campaign, the survivor has two. */
export const MOVE_CODES = `
  UPDATE promo_codes c
     SET customer_no = $3,
         merged_no = CASE WHEN EXISTS (SELECT 1 FROM promo_codes own WHERE own.tenant_id = $1 AND own.customer_no = $3 AND own.campaign_no = c.campaign_no) THEN coalesce(c.merged_no, $2) ELSE c.merged_no END
   WHERE c.tenant_id = $1 AND c.customer_no = $2`;

/**
 * Of two who turned out to be one, `$2` merged into `$3`: the codes that nobody was told of, `$2`'s in the campaigns `$4` and `$3`'s own in
 * the campaigns `$5`, where the person keeps another.
 */
export const DROP_UNTOLD = `
  DELETE FROM promo_codes c
   WHERE c.tenant_id = $1 AND c.customer_no IN ($2, $3) AND c.redemption_id IS NULL
     AND ((c.campaign_no = ANY ($4::int[]) AND ((c.customer_no = $2 AND c.merged_no IS NULL) OR (c.customer_no = $3 AND c.merged_no = $2)))
       OR (c.campaign_no = ANY ($5::int[]) AND c.customer_no = $3 AND c.merged_no IS NULL))
     AND EXISTS (SELECT 1 FROM promo_codes other WHERE other.tenant_id = $1 AND other.customer_no IN ($2, $3) AND other.campaign_no = c.campaign_no AND other.code <> c.code)`;

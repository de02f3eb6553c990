/** SQL of attribution; `$1` is the tenant. */

/** One attribution per tenant at a time, so that each sees the result of the one before. The second key is an arbitrary constant of ours. */
export const LOCK = `SELECT pg_advisory_xact_lock($1, 1635021938)`;

/** Keeps a redemption of a promo that a mailing announced. If the news of its rollback came first, it stays rolled back. */
export const KEEP_REDEMPTION = `
  INSERT INTO campaign_redemptions AS known (tenant_id, redemption_id, order_id, promo_id, customer_no, order_total, redeemed_at, rolled_back, campaign_no)
  SELECT $1, $2, $3, m.promo_id, $5::int, $6::bigint, $7::timestamptz, $8::boolean, $9::int FROM mailings m WHERE m.tenant_id = $1 AND m.promo_id = $4 LIMIT 1
  ON CONFLICT (tenant_id, redemption_id) DO UPDATE SET rolled_back = known.rolled_back OR excluded.rolled_back
  RETURNING 1`;

export const STANDING_REDEMPTIONS = `
  SELECT DISTINCT ON (order_id) order_id, customer_no, campaign_no, order_total::float8 AS order_total, redeemed_at FROM campaign_redemptions
   WHERE tenant_id = $1 AND order_id = ANY ($2::text[]) AND NOT rolled_back ORDER BY order_id, campaign_no IS NULL, redeemed_at DESC`;

/**
 * Which campaign each order goes to, if any. First the mailing whose recipient's own code the order names or redeemed; then the latest mailing that announced
 * a promo which the order names or redeemed, preferably one that reached the customer; then the mailing of the last human click, else of the last human open,
 * within `$6` days before the order. `$7`, `$8` and `$9` say whether the tenant wants promo codes, clicks and opens to count.
 */
export const ATTRIBUTE = `
  WITH subject AS (SELECT * FROM unnest($2::text[], $3::int[], $4::timestamptz[], $5::text[], $10::int[]) AS s (order_id, customer_no, occurred_at, promo_id, code_campaign_no))
  SELECT s.order_id, coalesce(code.campaign_no, hit.campaign_no) AS campaign_no,
         CASE WHEN code.campaign_no IS NOT NULL THEN 'promo_code' ELSE hit.kind END AS model
    FROM subject s
    LEFT JOIN LATERAL (
      SELECT m.campaign_no FROM mailings m
       WHERE m.tenant_id = $1 AND m.started_at <= s.occurred_at
         AND m.promo_id IN (SELECT s.promo_id UNION ALL SELECT r.promo_id FROM campaign_redemptions r WHERE r.tenant_id = $1 AND r.order_id = s.order_id AND NOT r.rolled_back)
       ORDER BY coalesce(m.campaign_no IN (SELECT s.code_campaign_no UNION ALL SELECT r.campaign_no FROM campaign_redemptions r WHERE r.tenant_id = $1 AND r.order_id = s.order_id AND NOT r.rolled_back), false) DESC,
                EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.customer_no = s.customer_no AND d.status = 'accepted') DESC,
                m.started_at DESC, m.campaign_no DESC
       LIMIT 1) code ON $7
    LEFT JOIN LATERAL (
      SELECT h.campaign_no, h.kind FROM delivery_hits h
       WHERE h.tenant_id = $1 AND h.customer_no = s.customer_no AND h.at BETWEEN s.occurred_at - make_interval(days => $6) AND s.occurred_at
         AND NOT h.machine AND ((h.kind = 'click' AND $8) OR (h.kind = 'open' AND $9))
       ORDER BY h.kind = 'click' DESC, h.at DESC, h.campaign_no DESC
       LIMIT 1) hit ON true
   WHERE coalesce(code.campaign_no, hit.campaign_no) IS NOT NULL`;

export const KNOWN = `SELECT order_id, campaign_no, customer_no FROM conversions WHERE tenant_id = $1 AND order_id = ANY ($2::text[])`;

export const FORGET = `DELETE FROM conversions WHERE tenant_id = $1 AND order_id = ANY ($2::text[])`;

export const KEEP = `
  INSERT INTO conversions (tenant_id, order_id, campaign_no, customer_no, model, gross, amount, occurred_at)
  SELECT $1, order_id, campaign_no, customer_no, model, gross, amount, occurred_at
    FROM jsonb_to_recordset($2::jsonb) AS c (order_id text, campaign_no int, customer_no int, model text, gross bigint, amount bigint, occurred_at timestamptz)
  ON CONFLICT (tenant_id, order_id) DO UPDATE
    SET campaign_no = excluded.campaign_no, customer_no = excluded.customer_no, model = excluded.model, gross = excluded.gross, amount = excluded.amount, occurred_at = excluded.occurred_at`;

/** Marks each recipient's first conversion on one of their messages: the one clicked last, else opened last, else received last. */
export const STAMP = `
  UPDATE deliveries d SET converted_at = CASE WHEN stamped.place = 1 THEN stamped.converted_at END
    FROM (SELECT d.campaign_no, d.customer_no, d.channel,
                 row_number() OVER (PARTITION BY d.campaign_no, d.customer_no ORDER BY d.clicked_at DESC NULLS LAST, d.opened_at DESC NULLS LAST, d.accepted_at DESC NULLS LAST, d.channel) AS place,
                 (SELECT min(c.occurred_at) FROM conversions c
                   WHERE c.tenant_id = $1 AND c.campaign_no = d.campaign_no AND c.customer_no = d.customer_no AND (c.gross = 0 OR c.amount > 0)) AS converted_at
            FROM (SELECT DISTINCT * FROM unnest($2::int[], $3::int[]) AS t (campaign_no, customer_no)) t
            JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = t.campaign_no AND d.customer_no = t.customer_no) stamped
   WHERE d.tenant_id = $1 AND d.campaign_no = stamped.campaign_no AND d.customer_no = stamped.customer_no AND d.channel = stamped.channel
     AND d.converted_at IS DISTINCT FROM CASE WHEN stamped.place = 1 THEN stamped.converted_at END`;

/** SQL of orders. Rows are locked in the order of their ids, so that batches do not deadlock. */

/** $1 tenant, $2 ids */
export const KNOWN_ORDERS = `SELECT order_id FROM orders WHERE tenant_id = $1 AND order_id = ANY ($2::text[])`;

/** $1 tenant, $2 ids, $3 customers, $4 totals, $5 instants, $6 promo codes, $7 locations, $8 channels, $9 items. Returns those that count from now on. */
export const INSERT_ORDERS = `
  INSERT INTO orders (tenant_id, order_id, customer_no, total, refunded, occurred_at, promo_code, location_id, channel, items)
  SELECT $1, told.order_id, told.customer_no, told.total, least(told.total, coalesce(ahead.amount, 0)), told.occurred_at, told.promo_code, told.location_id, told.channel, told.items
    FROM unnest($2::text[], $3::int[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
           AS told (order_id, customer_no, total, occurred_at, promo_code, location_id, channel, items)
    LEFT JOIN refunds_ahead ahead ON ahead.tenant_id = $1 AND ahead.order_id = told.order_id
   ORDER BY told.order_id
  ON CONFLICT (tenant_id, order_id) DO NOTHING
  RETURNING order_id, customer_no, total, refunded, occurred_at, promo_code`;

/** $1 tenant, $2 ids */
export const FORGET_REFUNDS_AHEAD = `DELETE FROM refunds_ahead WHERE tenant_id = $1 AND order_id = ANY ($2::text[])`;

/** $1 tenant, $2 ids */
export const LOCK_ORDERS = `
  SELECT order_id, customer_no, total, refunded, occurred_at, promo_code FROM orders
   WHERE tenant_id = $1 AND order_id = ANY ($2::text[]) ORDER BY order_id FOR UPDATE`;

/** $1 tenant, $2 ids, $3 refunded in all. The rows are locked by the caller. */
export const SET_REFUNDED = `
  UPDATE orders SET refunded = told.refunded FROM unnest($2::text[], $3::bigint[]) AS told (order_id, refunded)
   WHERE orders.tenant_id = $1 AND orders.order_id = told.order_id`;

/** $1 tenant, $2 ids, $3 amounts */
export const KEEP_REFUNDS_AHEAD = `
  INSERT INTO refunds_ahead AS known (tenant_id, order_id, amount)
  SELECT $1, order_id, amount FROM unnest($2::text[], $3::bigint[]) AS told (order_id, amount) ORDER BY order_id
  ON CONFLICT (tenant_id, order_id) DO UPDATE SET amount = known.amount + excluded.amount`;

/** How many of a customer's orders the median looks at, from the last: a till's nameless guest may have a million. */
const GAP_ORDERS = 200;

/** $1 tenant, $2 customers. The median of the seconds between one order and the next; nothing of who has less than two such gaps, or none of any length. */
export const ORDER_GAPS = `
  SELECT customer_no AS "customerNo", percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
    FROM (SELECT customer_no, extract(epoch FROM occurred_at - lag(occurred_at) OVER (PARTITION BY customer_no ORDER BY occurred_at))::float8 AS seconds
            FROM unnest($2::int[]) AS asked (customer_no)
                 CROSS JOIN LATERAL (SELECT occurred_at FROM orders o WHERE o.tenant_id = $1 AND o.customer_no = asked.customer_no ORDER BY occurred_at DESC LIMIT ${GAP_ORDERS}) last) gap
   WHERE seconds IS NOT NULL
   GROUP BY customer_no HAVING count(*) >= 2 AND percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) > 0`;

/** $1 tenant. Many batches with orders at once … */
export const AMONG_ORDERS = `SELECT pg_advisory_xact_lock_shared(hashtextextended('refunds ahead', $1::int))`;

/** … but none while a refund waits for an order that nobody has seen. $1 tenant */
export const ALONE_WITH_ORDERS = `SELECT pg_advisory_xact_lock(hashtextextended('refunds ahead', $1::int))`;

/** Gives orders to another customer. $1 tenant, $2 from, $3 to. Returns what they do to that one's facts. */
export const MOVE_ORDERS = `
  WITH moved AS (UPDATE orders SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2 RETURNING total, refunded, occurred_at)
  SELECT count(*)::int AS orders, coalesce(sum(total - refunded), 0)::float8 AS spent, min(occurred_at) AS "firstAt", max(occurred_at) AS "lastAt" FROM moved`;

import { profilesFrom } from './profile-columns.js';

/**
 * SQL of profiles. Everything is set-based, and locks rows in the order of their numbers, so that batches do not deadlock. There are three
 * locks: writing under a customer's number holds the customer (`KEY SHARE`), changing the profile locks it (`NO KEY UPDATE`, compatible with
 * holders), and removing the customer waits for both (`UPDATE`). An import locks its chunk before any customer.
 */

export const PROFILE_COLUMNS = `customer_no, customer_id, email, phone, first_name, last_name, locale, timezone, birthday::text AS birthday, city,
  loyalty_tier, loyalty_points, tags, attributes, push_subscription, consent_email, consent_sms, consent_push, consents, version`;

/**
 * For statements that need few of the tenant's rows. Given the tenant's number, the planner looks it up in its statistics, and expects one row of
 * a tenant that is not in them yet: then any index will do, and each look-up reads everything that an import has just written. About a sub-select's
 * value the planner knows nothing.
 */
export const OF_TENANT = 'tenant_id = (SELECT $1::int)';

/** Customers by any id they ever had. $1 tenant, $2 ids */
export const NUMBERS_OF_IDS = `
  SELECT customer_no, customer_id FROM customers WHERE ${OF_TENANT} AND customer_id = ANY ($2::text[])
  UNION ALL SELECT customer_no, customer_id FROM customer_aliases WHERE ${OF_TENANT} AND customer_id = ANY ($2::text[])`;

/**
 * The same, held: these customers cannot be removed until the transaction ends. `held` is false for one that was removed while we waited.
 * `IN (SELECT …)` is a hash table whatever the planner expects; a join planned for one row would compare each with each.
 */
export const HOLD_NUMBERS = `
  WITH named AS MATERIALIZED (${NUMBERS_OF_IDS}),
  held AS MATERIALIZED (
    SELECT customer_no FROM customers WHERE ${OF_TENANT} AND customer_no = ANY (ARRAY (SELECT customer_no FROM named)) ORDER BY customer_no FOR KEY SHARE)
  SELECT customer_no, customer_id, customer_no IN (SELECT customer_no FROM held) AS held FROM named`;

/** The same of one id, as an expression; the aliases are looked at only when nobody has the id. $1 tenant, $2 id */
export const NUMBER_OF_ID = `(SELECT coalesce((SELECT customer_no FROM customers WHERE ${OF_TENANT} AND customer_id = $2),
  (SELECT customer_no FROM customer_aliases WHERE ${OF_TENANT} AND customer_id = $2)))`;

/** The survivors of merged customers. $1 tenant, $2 numbers */
export const SURVIVORS = `SELECT merged_no, customer_no FROM customer_aliases WHERE ${OF_TENANT} AND merged_no = ANY ($2::int[])`;

/** The merges in which one of these numbers took part. $1 tenant, $2 numbers */
export const MERGES_OF = `SELECT merged_no, customer_no FROM customer_aliases WHERE ${OF_TENANT} AND (customer_no = ANY ($2::int[]) OR merged_no = ANY ($2::int[]))`;

/** $1 tenant, $2 numbers, $3 ids, $4 now. Returns those that were not there. */
export const INSERT_BARE = `
  INSERT INTO customers (tenant_id, customer_no, customer_id, created_at, updated_at)
  SELECT $1, customer_no, customer_id, $4, $4 FROM unnest($2::int[], $3::text[]) AS bare (customer_no, customer_id) ORDER BY customer_id COLLATE "C"
  ON CONFLICT ON CONSTRAINT customers_customer_id DO NOTHING
  RETURNING customer_no, customer_id`;

/** $1 tenant, $2 numbers */
export const BY_NO = `SELECT ${PROFILE_COLUMNS} FROM customers WHERE ${OF_TENANT} AND customer_no = ANY ($2::int[]) ORDER BY customer_no`;

/** Locks profiles to change them. $1 tenant, $2 numbers */
export const LOCK_BY_NO = `${BY_NO} FOR NO KEY UPDATE`;

/** Locks profiles to remove them: waits for all who write under these numbers, before anything else is touched, so that what they wrote is removed too. $1 tenant, $2 numbers */
export const LOCK_TO_REMOVE = `${BY_NO} FOR UPDATE`;

const WRITTEN = `email, phone, first_name, last_name, locale, timezone, birthday, city,
  loyalty_tier, loyalty_points, tags, attributes, push_subscription, consent_email, consent_sms, consent_push, consents`;

/** The columns that the search reads, from a `profile`. */
const SEARCHED = `nullif(searchable(concat_ws(' ', profile.first_name, profile.last_name)), ''),
    CASE WHEN profile.last_name IS NOT NULL THEN searchable(concat_ws(' ', profile.last_name, profile.first_name)) END`;

/**
 * $1 tenant, $2 now, then {@link profileColumns}, which begin with the numbers. Has the segments look at them, as {@link MARK_CHANGED}.
 * Returns the numbers of those that were not there; null when none was: an import's thousand rows would each be told.
 */
export const INSERT_PROFILES = `
  WITH made AS (
    INSERT INTO customers (tenant_id, customer_no, customer_id, version, ${WRITTEN}, name_search, last_name_search, created_at, updated_at)
    SELECT $1, customer_no, customer_id, version, ${WRITTEN}, ${SEARCHED}, $2, $2 FROM ${profilesFrom(3)} ORDER BY customer_id COLLATE "C"
    ON CONFLICT ON CONSTRAINT customers_customer_id DO NOTHING
    RETURNING customer_no
  ), marked AS (
    INSERT INTO changed_customers (tenant_id, customer_no) SELECT $1, customer_no FROM made
  )
  SELECT CASE WHEN count(*) < cardinality($3) THEN coalesce(array_agg(customer_no), '{}') END AS made FROM made`;

/** $1 tenant, $2 now, then {@link profileColumns}, which begin with the numbers. The rows are locked by the caller. */
export const UPDATE_PROFILES = `
  UPDATE customers SET (${WRITTEN}) = ROW (${WRITTEN.replace(/(\w+)/g, 'profile.$1')}), version = profile.version, updated_at = $2,
         (name_search, last_name_search) = ROW (${SEARCHED})
    FROM ${profilesFrom(3)}
   WHERE customers.${OF_TENANT} AND customers.customer_no = ANY ($3::int[]) AND customers.customer_no = profile.customer_no`;

/** $1 tenant, $2 numbers, $3 channels, $4 statuses, $5 sources, $6 instants */
export const LOG_CONSENTS = `
  INSERT INTO consent_log (tenant_id, customer_no, channel, status, source, at)
  SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])`;

/** $1 tenant, $2 numbers */
export const MARK_CHANGED = `INSERT INTO changed_customers (tenant_id, customer_no) SELECT $1, unnest($2::int[])`;

/** $1 tenant, $2 numbers */
export const LOCK_NUMBERS = `SELECT FROM customers WHERE ${OF_TENANT} AND customer_no = ANY ($2::int[]) ORDER BY customer_no FOR NO KEY UPDATE`;

/** $1 tenant, $2 numbers, $3 orders, $4 spent, $5 first, $6 last, $7 now, $8 those whose gaps are told, $9 the gaps in seconds. The rows are locked by the caller. */
export const ADD_ORDER_FACTS = `
  UPDATE customers
     SET order_count = customers.order_count + added.orders, total_spent = customers.total_spent + added.spent,
         first_order_at = least(customers.first_order_at, added.first_at), last_order_at = greatest(customers.last_order_at, added.last_at),
         median_order_gap = CASE WHEN customers.customer_no = ANY ($8::int[]) THEN make_interval(secs => gap.seconds) ELSE median_order_gap END,
         version = version + 1, updated_at = $7
    FROM (SELECT customer_no, sum(orders)::int AS orders, sum(spent)::bigint AS spent, min(first_at) AS first_at, max(last_at) AS last_at
            FROM unnest($2::int[], $3::int[], $4::bigint[], $5::timestamptz[], $6::timestamptz[]) AS fact (customer_no, orders, spent, first_at, last_at)
           GROUP BY customer_no) added
    LEFT JOIN unnest($8::int[], $9::float8[]) AS gap (customer_no, seconds) USING (customer_no)
   WHERE customers.${OF_TENANT} AND customers.customer_no = ANY ($2::int[]) AND customers.customer_no = added.customer_no`;

/** The person has been known since the earlier of the two. $1 tenant, $2 survivor, $3 merged */
export const MERGE_DATES = `
  UPDATE customers SET created_at = least(customers.created_at, merged.created_at)
    FROM customers merged WHERE customers.tenant_id = $1 AND customers.customer_no = $2 AND merged.tenant_id = $1 AND merged.customer_no = $3`;

/** $1 tenant, $2 from, $3 to */
export const MOVE_ALIASES = 'UPDATE customer_aliases SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2';

/** $1 tenant, $2 id, $3 its number, $4 the survivor's, $5 now */
export const ADD_ALIAS = 'INSERT INTO customer_aliases (tenant_id, customer_id, merged_no, customer_no, merged_at) VALUES ($1, $2, $3, $4, $5)';

/** $1 tenant, $2 number */
export const ALIASES_OF = 'SELECT customer_id, merged_at FROM customer_aliases WHERE tenant_id = $1 AND customer_no = $2 ORDER BY merged_at DESC, customer_id';

/** A dynamic segment's row, as membership needs it. */
export interface DynamicRow {
  segment_no: number;
  segment_id: string;
  criteria: unknown;
  followed_at: Date;
}

/** The tenant's dynamic segments; `$1` the tenant. */
export const DYNAMIC = `SELECT segment_no, segment_id, criteria, followed_at FROM segments WHERE tenant_id = $1 AND type = 'dynamic' ORDER BY segment_no`;

/** The same, of `$2` only, and nobody else may change their membership until the transaction ends. In one order everywhere, so that nobody deadlocks. */
export const LOCK_DYNAMIC = `SELECT segment_no, segment_id, criteria, followed_at FROM segments
  WHERE tenant_id = $1 AND type = 'dynamic' AND segment_no = ANY($2::int[]) ORDER BY segment_no FOR NO KEY UPDATE`;

/**
 * Waits for whoever is making a segment refer to another, who holds this lock alone: its membership was computed from what the other was
 * before this transaction, which must therefore see it and move it too.
 */
export const KEEP_GRAPH = `SELECT pg_advisory_xact_lock_shared(hashtext('segment_graph'), $1)`;

export const NUMBERS_OF = `SELECT segment_id, segment_no FROM segments WHERE tenant_id = $1 AND segment_id = ANY($2::text[])`;

/**
 * Makes a segment's rows agree with who matches, in one statement: nobody ever reads a half of it.
 *
 * @param condition SQL over `c`; `$1` the tenant, `$2` the segment
 * @param scope placeholder of the customers to look at; null: everyone
 */
export function reconcileSql(condition: string, scope: string | null): string {
  const among = (column: string): string => (scope === null ? '' : `AND ${column} = ANY(${scope})`);
  return `
    WITH matched AS MATERIALIZED (
      SELECT c.customer_no FROM customers c WHERE c.tenant_id = $1 ${among('c.customer_no')} AND (${condition})
    ), entered AS (
      INSERT INTO segment_members (tenant_id, segment_no, customer_no)
      SELECT $1::int, $2::int, customer_no FROM matched
       WHERE NOT EXISTS (SELECT 1 FROM segment_members m WHERE m.tenant_id = $1 AND m.segment_no = $2 AND m.customer_no = matched.customer_no)
      RETURNING customer_no
    ), exited AS (
      DELETE FROM segment_members m
       WHERE m.tenant_id = $1 AND m.segment_no = $2 ${among('m.customer_no')}
         AND NOT EXISTS (SELECT 1 FROM matched WHERE matched.customer_no = m.customer_no)
      RETURNING m.customer_no
    )
    SELECT ARRAY(SELECT customer_no FROM entered) AS entered, ARRAY(SELECT customer_no FROM exited) AS exited`;
}

/** `$2` now, `$3` the segments that changed or were rebuilt, `$4` by how many members. */
export const MOVE_SIZES = `
  UPDATE segments s SET size = s.size + moved.delta, last_updated = $2
    FROM unnest($3::int[], $4::int[]) AS moved (no, delta)
   WHERE s.tenant_id = $1 AND s.segment_no = moved.no`;

export const SET_FOLLOWED = `UPDATE segments SET followed_at = greatest(followed_at, $2) WHERE tenant_id = $1 AND segment_no = ANY($3::int[])`;

/** Takes a batch from the queue of changed customers; another worker takes others. */
export const TAKE_CHANGED = `
  DELETE FROM changed_customers
   WHERE tenant_id = $1 AND change_no IN (SELECT change_no FROM changed_customers WHERE tenant_id = $1 ORDER BY change_no LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING customer_no`;

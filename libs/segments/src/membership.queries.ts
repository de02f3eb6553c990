import type { Within } from './scope.js';

/** A dynamic segment's row, as membership needs it. */
export interface DynamicRow {
  segment_no: number;
  segment_id: string;
  criteria: unknown;
  followed_at: Date;
}

/** The tenant's dynamic segments; `$1` the tenant. */
export const DYNAMIC = `SELECT segment_no, segment_id, criteria, followed_at FROM segments WHERE tenant_id = $1 AND type = 'dynamic' ORDER BY segment_no`;

/** The same, of `$2` only (null: all), and nobody else may change their membership until the transaction ends. In one order everywhere, so that nobody deadlocks. */
export const LOCK_DYNAMIC = `SELECT segment_no, segment_id, criteria, followed_at FROM segments
  WHERE tenant_id = $1 AND type = 'dynamic' AND ($2::int[] IS NULL OR segment_no = ANY ($2)) ORDER BY segment_no FOR NO KEY UPDATE`;

/**
 * Waits for whoever is making a segment refer to another, who holds this lock alone: its membership was computed from what the other was
 * before this transaction, which must therefore see it and move it too.
 */
export const KEEP_GRAPH = `SELECT pg_advisory_xact_lock_shared(hashtext('segment_graph'), $1)`;

export const NUMBERS_OF = `SELECT segment_id, segment_no FROM segments WHERE tenant_id = $1 AND segment_id = ANY($2::text[])`;

/**
 * Who must enter and who must leave several segments, found in one pass over the customers, however many segments there are: what each
 * customer is to be in is compared, as one array, with what the customer is in.
 *
 * `matched` is materialised, or the join would have its conditions evaluated where the customers are read: for everyone, not for those looked at.
 * `IS TRUE` keeps a list of segments out of the index: by customer its rows come in the order that they are gathered in, and need no sorting.
 *
 * @param conditions SQL over `c`, by the number of the segment; `$1` the tenant
 */
export function differenceSql(conditions: ReadonlyMap<number, string>, { tables, within }: { tables: readonly string[]; within: Within }): string {
  const [first, ...others] = [...conditions].sort(([a], [b]) => a - b) as [[number, string], ...[number, string][]];
  // Of one segment the condition stands where an index can answer it.
  const [matching, where, held] =
    others.length === 0
      ? [String(first[0]), `AND (${first[1]})`, `m.segment_no = ${first[0]}`]
      : [[first, ...others].map(([no, condition]) => `CASE WHEN ${condition} THEN ${no} END`).join(', '), '', `(m.segment_no = ANY (ARRAY[${[...conditions.keys()].join(', ')}])) IS TRUE`];
  return `
    WITH ${[...tables, ''].join(', ')}matched AS MATERIALIZED (
      SELECT c.customer_no, array_remove(ARRAY[${matching}], NULL) AS nos FROM customers c WHERE c.tenant_id = $1 AND ${within('c.customer_no')} ${where}
    ), differing AS MATERIALIZED (
      SELECT customer_no, coalesce(matched.nos, '{}') AS due, coalesce(member.nos, '{}') AS held
        FROM matched
        FULL JOIN (SELECT m.customer_no, array_agg(m.segment_no ORDER BY m.segment_no) AS nos FROM segment_members m
                    WHERE m.tenant_id = $1 AND ${held} AND ${within('m.customer_no')} GROUP BY m.customer_no) member USING (customer_no)
       WHERE coalesce(matched.nos, '{}') <> coalesce(member.nos, '{}')
    )
    SELECT segment_no AS no, array_agg(customer_no) FILTER (WHERE came) AS entered, array_agg(customer_no) FILTER (WHERE NOT came) AS exited
      FROM (SELECT customer_no, segment_no, true AS came FROM differing, unnest(due) AS segment_no WHERE segment_no <> ALL (held)
            UNION ALL SELECT customer_no, segment_no, false FROM differing, unnest(held) AS segment_no WHERE segment_no <> ALL (due)) moved
     GROUP BY segment_no`;
}

/** Pairs: `$2` segments, `$3` customers. */
export const ENTER = 'INSERT INTO segment_members (tenant_id, segment_no, customer_no) SELECT $1, * FROM unnest($2::int[], $3::int[])';
export const EXIT = 'DELETE FROM segment_members m USING unnest($2::int[], $3::int[]) AS gone (segment_no, customer_no) WHERE m.tenant_id = $1 AND m.segment_no = gone.segment_no AND m.customer_no = gone.customer_no';

export const SET_FOLLOWED = `UPDATE segments SET followed_at = greatest(followed_at, $2) WHERE tenant_id = $1 AND segment_no = ANY($3::int[])`;

/**
 * Takes a batch from the queue of changed customers; another worker takes others. By ARRAY, not IN: statistics never know a queue
 * that an import just filled, and a join planned for one row compares each of ten thousand with each (40 s).
 */
export const TAKE_CHANGED = `
  DELETE FROM changed_customers
   WHERE tenant_id = $1 AND change_no = ANY (ARRAY (SELECT change_no FROM changed_customers WHERE tenant_id = $1 ORDER BY change_no LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING customer_no`;

/** `$2` now. No row: not due, or another worker is at it. */
export const TAKE_REPAIR = 'SELECT next_no FROM segment_repairs WHERE tenant_id = $1 AND due_at <= $2 FOR UPDATE SKIP LOCKED';

/** Three in the morning of the next day by the tenant's clock. */
const NEXT_NIGHT = (now: string, zone: string): string => `(date_trunc('day', ${now}::timestamptz AT TIME ZONE ${zone}) + interval '27 hours') AT TIME ZONE ${zone}`;

/** `$2` now, `$3` the tenant's zone. */
export const REPAIR_NIGHTLY = `INSERT INTO segment_repairs (tenant_id, due_at) VALUES ($1, ${NEXT_NIGHT('$2', '$3')})`;

/** `$2` the customer to go on with. */
export const REPAIR_ON = 'UPDATE segment_repairs SET next_no = $2 WHERE tenant_id = $1';

/** `$2` now, `$3` the tenant's zone. */
export const REPAIR_DONE = `UPDATE segment_repairs SET next_no = 0, due_at = ${NEXT_NIGHT('$2', '$3')} WHERE tenant_id = $1`;

export const SEGMENT_NOS = 'SELECT segment_no FROM segments WHERE tenant_id = $1 ORDER BY segment_no';

/** Members, from `$2` to `$3`, of any segment, who do not exist. */
export const EXPEL_NOBODIES = `DELETE FROM segment_members m WHERE tenant_id = $1 AND customer_no BETWEEN $2 AND $3
  AND NOT EXISTS (SELECT FROM customers c WHERE c.tenant_id = $1 AND c.customer_no = m.customer_no AND c.customer_no BETWEEN $2 AND $3) RETURNING segment_no, customer_no`;

/** The highest number to look at; beyond the last customer there could still be members who do not exist. */
export const LAST_NUMBER = `SELECT greatest((SELECT max(customer_no) FROM customers WHERE tenant_id = $1), (SELECT max(customer_no) FROM segment_members WHERE tenant_id = $1)) AS last`;

/**
 * What a statement that changed sizes leaves of each segment's day.
 *
 * @param sized its CTE, with segment_no, size, entered, exited
 * @param day placeholder of the tenant's day
 */
const keepHistory = (sized: string, day: string): string => `
  INSERT INTO segment_history AS known (tenant_id, segment_no, day, size, entered, exited)
  SELECT $1, segment_no, ${day}::date, size, entered, exited FROM ${sized}
  ON CONFLICT (tenant_id, segment_no, day) DO UPDATE SET size = excluded.size, entered = known.entered + excluded.entered, exited = known.exited + excluded.exited`;

/** `$2` now, `$3` the segments that changed or were rebuilt, `$4` how many entered, `$5` how many left, `$6` today. */
export const MOVE_SIZES = `
  WITH sized AS (
    UPDATE segments s SET size = s.size + moved.entered - moved.exited, last_updated = $2
      FROM unnest($3::int[], $4::int[], $5::int[]) AS moved (no, entered, exited)
     WHERE s.tenant_id = $1 AND s.segment_no = moved.no
    RETURNING s.segment_no, s.size, moved.entered, moved.exited)
  ${keepHistory('sized', '$6')}`;

/** Takes a customer out of every segment: `$2` the customer, `$3` now, `$4` today. */
export const FORGET_MEMBER = `
  WITH gone AS (DELETE FROM segment_members WHERE tenant_id = $1 AND customer_no = $2 RETURNING segment_no),
  sized AS (
    UPDATE segments s SET size = s.size - 1, last_updated = $3 FROM gone WHERE s.tenant_id = $1 AND s.segment_no = gone.segment_no
    RETURNING s.segment_no, s.size, 0 AS entered, 1 AS exited)
  ${keepHistory('sized', '$4')}`;

/** `$2` the segment. A row if its size is not how many members it has: in one statement, so that whoever changes both at once is not taken for a defect. */
export const WRONG_SIZE = `SELECT FROM segments WHERE tenant_id = $1 AND segment_no = $2 AND size <> (SELECT count(*) FROM segment_members WHERE tenant_id = $1 AND segment_no = $2)`;

/** Counts: `$2` the segment, which the caller has locked, `$3` today. Changes nothing where the size is right. */
export const REPAIR_SIZE = `
  WITH counted AS (SELECT count(*)::int AS n FROM segment_members WHERE tenant_id = $1 AND segment_no = $2),
  sized AS (
    UPDATE segments s SET size = counted.n FROM counted WHERE s.tenant_id = $1 AND s.segment_no = $2 AND s.size <> counted.n
    RETURNING s.segment_no, s.size, 0 AS entered, 0 AS exited)
  ${keepHistory('sized', '$3')}`;

/** Makes the days after today, `$2`, part of it. */
export const FOLD_DAYS_AHEAD = `
  WITH ahead AS (DELETE FROM segment_history WHERE tenant_id = $1 AND day > $2::date RETURNING *),
  sized AS (SELECT segment_no, (array_agg(size ORDER BY day DESC))[1] AS size, sum(entered)::int AS entered, sum(exited)::int AS exited FROM ahead GROUP BY segment_no)
  ${keepHistory('sized', '$2')}`;

/** Days with a change from `$3` to `$4`, and the last one before; `$2` the segment. */
export const HISTORY = `
  SELECT day::text AS date, size, entered, exited FROM segment_history
   WHERE tenant_id = $1 AND segment_no = $2
     AND day BETWEEN coalesce((SELECT max(day) FROM segment_history WHERE tenant_id = $1 AND segment_no = $2 AND day < $3::date), $3::date) AND $4::date
   ORDER BY day`;

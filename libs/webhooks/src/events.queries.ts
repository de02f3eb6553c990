/** SQL of what is looked at and replayed. `$1` is always the tenant, `$2` the provider. */

export const EVENT_COLUMNS = 'id, provider, type, status, reason, attempts, due_at, received_at, processed_at, body_id, item_no';

export const ONE_EVENT = `SELECT ${EVENT_COLUMNS} FROM webhook_events WHERE tenant_id = $1 AND provider = $2 AND id = $3`;

/** What may be done again: not what only repeats another event, nor what was erased. */
const REPLAYABLE = `status <> 'duplicate' AND reason IS DISTINCT FROM 'erased'`;

const PUT_BACK = `status = 'pending', reason = NULL, processed_at = NULL, attempts = 0, due_at = NULL`;

export const REOPEN = `UPDATE webhook_events SET ${PUT_BACK} WHERE tenant_id = $1 AND provider = $2 AND id = $3 AND ${REPLAYABLE}`;

/**
 * Settled events from the id `$3` to before the id `$4`, of the statuses `$5`, that were settled before `$6`: those that a replay has brought to
 * their end meanwhile are not its own any more. An event that was never valid was settled when it came.
 */
const OF_RANGE = `
  tenant_id = $1 AND provider = $2 AND id >= $3 AND id < $4 AND status = ANY ($5) AND coalesce(processed_at, received_at) < $6 AND ${REPLAYABLE}`;

/** How many a range has, or `$7` and one more. */
export const COUNT_RANGE = `SELECT count(*)::int AS events FROM (SELECT FROM webhook_events WHERE ${OF_RANGE} LIMIT $7 + 1) range`;

/** Puts back the first `$7` of a range, which are looked for once: joined, they might be for each row. */
export const REOPEN_RANGE = `
  UPDATE webhook_events SET ${PUT_BACK}
   WHERE tenant_id = $1 AND provider = $2 AND id = ANY (ARRAY(SELECT id FROM webhook_events WHERE ${OF_RANGE} ORDER BY id LIMIT $7 FOR UPDATE))`;

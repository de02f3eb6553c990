/** SQL to list and replay events. `$1` is always the tenant, `$2` the provider. */

export const EVENT_COLUMNS = 'id, provider, type, status, reason, attempts, due_at, received_at, processed_at, body_id, item_no';

export const ONE_EVENT = `SELECT ${EVENT_COLUMNS} FROM webhook_events WHERE tenant_id = $1 AND provider = $2 AND id = $3`;

/** Duplicates and erased events cannot be replayed. */
const REPLAYABLE = `status <> 'duplicate' AND reason IS DISTINCT FROM 'erased'`;

const PUT_BACK = `status = 'pending', reason = NULL, processed_at = NULL, attempts = 0, due_at = NULL`;

export const REOPEN = `UPDATE webhook_events SET ${PUT_BACK} WHERE tenant_id = $1 AND provider = $2 AND id = $3 AND ${REPLAYABLE}`;

/**
 * Events with ids from `$3` to before `$4` and one of the statuses `$5`, settled before `$6`: so a repeated job leaves out events that its replay has
 * already settled. An event that was never valid was settled when it was received.
 */
const OF_RANGE = `
  tenant_id = $1 AND provider = $2 AND id >= $3 AND id < $4 AND status = ANY ($5) AND coalesce(processed_at, received_at) < $6 AND ${REPLAYABLE}`;

/** How many events a range has, at most `$7` + 1. */
export const COUNT_RANGE = `SELECT count(*)::int AS events FROM (SELECT FROM webhook_events WHERE ${OF_RANGE} LIMIT $7 + 1) range`;

/** Sets the first `$7` events of a range back to pending. ARRAY() evaluates the search once; a join might repeat it per row. */
export const REOPEN_RANGE = `
  UPDATE webhook_events SET ${PUT_BACK}
   WHERE tenant_id = $1 AND provider = $2 AND id = ANY (ARRAY(SELECT id FROM webhook_events WHERE ${OF_RANGE} ORDER BY id LIMIT $7 FOR UPDATE))`;

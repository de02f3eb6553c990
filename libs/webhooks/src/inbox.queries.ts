/** SQL of the inbox. `$1` is always the tenant. */

/**
 * Keeps bodies (`$2` ids, `$3` providers, `$4` bytes, `$5` instants, `$6` queries) and their items (`$7`, a JSON list). An item whose key is
 * there already, also from a transaction that commits meanwhile, is kept as a duplicate. Keys are taken in order, so that two
 * such statements never wait for each other. Answers, per body, how many were new and how many of those will be processed.
 */
export const KEEP = `
  WITH items AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($7::jsonb) AS item (
      id text, body_id text, provider text, item_no int, format text, type text, dedup_key text, reason text, payload jsonb, received_at timestamptz)),
  bodies AS (
    INSERT INTO webhook_bodies (tenant_id, id, provider, body, received_at, query)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::text[])),
  kept AS (
    INSERT INTO webhook_events (tenant_id, provider, id, body_id, item_no, format, type, dedup_key, status, reason, payload, received_at)
    SELECT $1, provider, id, body_id, item_no, format, type, decode(dedup_key, 'base64'),
           CASE WHEN reason IS NULL THEN 'pending' ELSE 'failed' END, reason, payload, received_at
      FROM items ORDER BY provider, decode(dedup_key, 'base64'), id
    ON CONFLICT (tenant_id, provider, dedup_key) WHERE status <> 'duplicate' DO NOTHING
    RETURNING id, body_id, provider, status, received_at),
  repeated AS (
    INSERT INTO webhook_events (tenant_id, provider, id, body_id, item_no, format, type, dedup_key, status, payload, received_at)
    SELECT $1, provider, id, body_id, item_no, format, type, decode(dedup_key, 'base64'), 'duplicate', payload, received_at
      FROM items WHERE id NOT IN (SELECT id FROM kept)),
  counted AS (
    INSERT INTO webhook_totals AS known (tenant_id, provider, shard, events_received, last_event)
    SELECT $1, provider, pg_backend_pid() % 16, count(*), max(received_at) FROM kept GROUP BY provider ORDER BY provider
    ON CONFLICT (tenant_id, provider, shard) DO UPDATE
      SET events_received = known.events_received + excluded.events_received, last_event = greatest(known.last_event, excluded.last_event))
  SELECT body_id, count(*)::int AS kept, (count(*) FILTER (WHERE status = 'pending'))::int AS pending FROM kept GROUP BY body_id`;

/**
 * Who wakes the worker holds this lock shared until its commit; the worker takes it alone for a moment before it looks. So the
 * wake-up job, which is queued once for many posts, never looks before a post that counts on it has committed.
 */
export const GATE_SHARED = `SELECT pg_advisory_xact_lock_shared(hashtext('webhooks.inbox'), $1)`;
export const GATE = `SELECT pg_advisory_xact_lock(hashtext('webhooks.inbox'), $1)`;

/** Takes up to `$2` events nobody else has taken, the oldest first, until the transaction ends. */
export const CLAIM = `
  SELECT provider, id, format, payload, received_at FROM webhook_events
   WHERE tenant_id = $1 AND status = 'pending' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`;

/** Writes what became of events at `$2`: `$3` providers, `$4` ids, `$5` statuses, `$6` reasons. */
export const SETTLE = `
  UPDATE webhook_events event SET status = done.status, reason = done.reason, processed_at = $2
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS done (provider, id, status, reason)
   WHERE event.tenant_id = $1 AND event.provider = done.provider AND event.id = done.id`;

export const HAS_PENDING = `SELECT EXISTS (SELECT 1 FROM webhook_events WHERE tenant_id = $1 AND status = 'pending') AS pending`;

/** Puts an event back, unless it only repeats another. */
export const REOPEN = `
  UPDATE webhook_events SET status = 'pending', reason = NULL, processed_at = NULL
   WHERE tenant_id = $1 AND provider = $2 AND id = $3 AND status <> 'duplicate'`;

export const EVENT_COLUMNS = 'id, provider, type, status, reason, received_at, processed_at, payload';

/** Ids begin with their time, so what is older than an instant lies before the id of that instant (`$3`). */
export const FORGET_EVENTS = `DELETE FROM webhook_events WHERE tenant_id = $1 AND provider = ANY ($2) AND id < $3 AND status <> 'pending'`;
export const FORGET_BODIES = `DELETE FROM webhook_bodies WHERE tenant_id = $1 AND id < $2`;

/** SQL of the inbox. `$1` is always the tenant. */

/**
 * Keeps bodies (`$2` ids, `$3` providers, `$4` formats, `$5` the bytes of all, `$6` where each begins, from 0, `$7` how long it is, `$8` whether taken
 * apart, `$9` queries, `$10` instants, `$13` when signed) and their items (`$14` ids, `$15` places of their bodies in these lists, `$16` places in the body,
 * `$17` types, `$18` all keys, of 32 bytes, `$19` persons, `$20` faults). Bytes come as one value each, since in a list they would be spelt in hex. An
 * item whose key is there already, also from a transaction that commits meanwhile, is kept as a duplicate. Keys are taken in order, so that
 * two such statements never wait for each other. Counts into the totals, and when connections were last verified. A body that came by a
 * connection (`$11`) which is no longer of the version (`$12`) that verified it is left out. Answers, per body that was not, how many items
 * were new and how many of those will be processed.
 */
export const KEEP = `
  WITH bodies AS MATERIALIZED (
    SELECT b.*, substring($5::bytea FROM start + 1 FOR size) AS body
      FROM unnest($2::text[], $3::text[], $4::text[], $6::int[], $7::int[], $8::boolean[], $9::text[], $10::timestamptz[], $11::text[], $12::int[], $13::timestamptz[])
        WITH ORDINALITY AS b (id, provider, format, start, size, taken_apart, query, received_at, connection_id, version, signed_at, place)
     WHERE connection_id IS NULL OR EXISTS (
       SELECT FROM webhook_connections c WHERE c.tenant_id = $1 AND c.provider = b.provider AND c.connection_id = b.connection_id AND c.version = b.version)),
  items AS MATERIALIZED (
    SELECT i.id, b.id AS body_id, b.provider, i.item_no, i.type, substring($18::bytea FROM 32 * (i.nth - 1)::int + 1 FOR 32) AS dedup_key, string_to_array(i.persons, E'\\x1f') AS persons, i.fault, b.received_at
      FROM unnest($14::text[], $15::int[], $16::int[], $17::text[], $19::text[], $20::text[]) WITH ORDINALITY AS i (id, place, item_no, type, persons, fault, nth)
      JOIN bodies b USING (place)),
  kept_bodies AS (
    INSERT INTO webhook_bodies (tenant_id, id, provider, format, body, taken_apart, query, signed_at, received_at)
    SELECT $1, id, provider, format, body, taken_apart, query, signed_at, received_at FROM bodies),
  kept AS (
    INSERT INTO webhook_events (tenant_id, provider, id, body_id, item_no, type, dedup_key, persons, status, reason, received_at)
    SELECT $1, provider, id, body_id, item_no, type, dedup_key, persons, CASE WHEN fault IS NULL THEN 'pending' ELSE 'failed' END, fault, received_at
      FROM items ORDER BY provider, dedup_key, id
    ON CONFLICT (tenant_id, provider, dedup_key) WHERE status <> 'duplicate' DO NOTHING
    RETURNING id, body_id, provider, status, received_at),
  repeated AS (
    INSERT INTO webhook_events (tenant_id, provider, id, body_id, item_no, type, dedup_key, persons, status, received_at)
    SELECT $1, provider, id, body_id, item_no, type, dedup_key, persons, 'duplicate', received_at FROM items WHERE id NOT IN (SELECT id FROM kept)),
  counted AS (
    INSERT INTO webhook_totals AS known (tenant_id, provider, shard, events_received, last_event, last_verified)
    SELECT $1, provider, pg_backend_pid() % 16, coalesce(n, 0), last, verified_at
      FROM (SELECT provider, count(*) AS n, max(received_at) AS last FROM kept GROUP BY provider) new
      FULL JOIN (SELECT provider, max(received_at) AS verified_at FROM bodies WHERE connection_id IS NOT NULL GROUP BY provider) verified USING (provider)
     ORDER BY provider
    ON CONFLICT (tenant_id, provider, shard) DO UPDATE
      SET events_received = known.events_received + excluded.events_received,
          last_event = greatest(known.last_event, excluded.last_event), last_verified = greatest(known.last_verified, excluded.last_verified))
  SELECT b.id, count(k.id)::int AS kept, (count(*) FILTER (WHERE k.status = 'pending'))::int AS pending FROM bodies b LEFT JOIN kept k ON k.body_id = b.id GROUP BY b.id`;

/**
 * A transaction that wakes the worker holds this lock shared until it commits; the worker takes it exclusively for a moment before it looks. So the
 * wake-up job, which is queued once for many posts, never looks before every post that relies on it has committed.
 */
export const GATE_SHARED = `SELECT pg_advisory_xact_lock_shared(hashtext('webhooks.inbox'), $1)`;
export const GATE = `SELECT pg_advisory_xact_lock(hashtext('webhooks.inbox'), $1)`;

/** Locks up to `$2` events that are due at `$3` and not locked by others, oldest first, until the transaction ends. */
export const CLAIM = `
  SELECT provider, id, body_id, item_no, attempts, received_at FROM webhook_events
   WHERE tenant_id = $1 AND status = 'pending' AND (due_at IS NULL OR due_at <= $3) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`;

/**
 * Writes the outcomes of events at `$2`: `$3` providers, `$4` ids, `$5` statuses, `$6` reasons, `$7` types, `$8` failed attempts, `$9` when to
 * try again. Events to be tried again get no `processed_at`.
 */
export const SETTLE = `
  UPDATE webhook_events event
     SET status = done.status, reason = done.reason, type = done.type, attempts = done.attempts, due_at = done.due_at,
         processed_at = CASE WHEN done.status <> 'pending' THEN $2::timestamptz END
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::timestamptz[]) AS done (provider, id, status, reason, type, attempts, due_at)
   WHERE event.tenant_id = $1 AND event.provider = done.provider AND event.id = done.id`;

export const HAS_DUE = `SELECT EXISTS (SELECT 1 FROM webhook_events WHERE tenant_id = $1 AND status = 'pending' AND (due_at IS NULL OR due_at <= $2)) AS due`;

/** Ids begin with their time, so rows older than an instant have ids below the first id of that instant (`$3`, or `$2` for bodies). */
export const FORGET_EVENTS = `DELETE FROM webhook_events WHERE tenant_id = $1 AND provider = ANY ($2) AND id < $3 AND status <> 'pending'`;
export const FORGET_BODIES = `DELETE FROM webhook_bodies WHERE tenant_id = $1 AND id < $2`;

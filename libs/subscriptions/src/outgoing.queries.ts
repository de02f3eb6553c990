/** SQL of messages on their way out. `$1` is always the tenant. */

/** Who is told of what; they cannot be deleted until the transaction ends. */
export const LISTENERS = 'SELECT subscription_id, events FROM event_subscriptions WHERE tenant_id = $1 AND active FOR KEY SHARE';

/** Keeps messages (`$2`, a JSON list) at `$3`; one that is there already was kept by a try before this one. */
export const KEEP_MESSAGES = `
  INSERT INTO outgoing_messages (tenant_id, message_id, type, occurred_at, data, customer_nos, created_at)
  SELECT $1, m.*, $3 FROM json_to_recordset($2::json) AS m (message_id text, type text, occurred_at timestamptz, data json, customer_nos int[])
  ON CONFLICT DO NOTHING`;

/** Each message (`$2`) goes to the subscription at the same index (`$3`), at once (`$4`). */
export const KEEP_DELIVERIES = `
  INSERT INTO outgoing_deliveries (tenant_id, message_id, subscription_id, status, next_at)
  SELECT $1, m.*, 'pending', $4 FROM unnest($2::text[], $3::text[]) AS m
  ON CONFLICT DO NOTHING`;

/** Holds lanes, in one order, whatever they say: who ends a lane's turn meanwhile then sees what was kept. */
export const HOLD_LANES = `
  SELECT 1 FROM event_subscription_lanes WHERE tenant_id = $1 AND subscription_id = ANY ($2::text[]) ORDER BY subscription_id FOR UPDATE`;

export const WAKE_LANES = 'UPDATE event_subscription_lanes SET due_at = least(due_at, $3) WHERE tenant_id = $1 AND subscription_id = ANY ($2::text[])';

/**
 * Takes up to `$3` lanes that are due at `$1`, the longest first, for the session `$6` until `$2`: failing ones or the others (`$4`), none of those at
 * hand (`$5`). Those of the sessions `$7`, whose workers are gone, are nobody's. Of any tenant.
 */
export const CLAIM_LANES = `
  WITH due AS (
    SELECT tenant_id, subscription_id FROM event_subscription_lanes
     WHERE failing = $4 AND due_at <= $1 AND (leased_until <= $1 OR session_no = ANY ($7::int[])) AND held_until <= $1 AND subscription_id <> ALL ($5::text[]) ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
  UPDATE event_subscription_lanes l SET leased_until = $2, session_no = $6 FROM due JOIN tenants t ON t.id = due.tenant_id
   WHERE l.tenant_id = due.tenant_id AND l.subscription_id = due.subscription_id
  RETURNING t.id, t.name, l.subscription_id`;

/** Where the messages of `$2` go, and whether they may, with the secrets that sign at `$3`, newest first. */
export const TARGET = `
  SELECT s.url, s.active AND l.held_until <= $3 AS open, s.failing_since IS NOT NULL AS failing,
         (SELECT array_agg(k.sealed ORDER BY k.secret_no DESC) FROM event_subscription_secrets k
           WHERE k.tenant_id = $1 AND k.subscription_id = s.subscription_id AND (k.valid_until IS NULL OR k.valid_until > $3)) AS sealed
    FROM event_subscriptions s JOIN event_subscription_lanes l ON l.tenant_id = $1 AND l.subscription_id = $2
   WHERE s.tenant_id = $1 AND s.subscription_id = $2`;

/** The messages that `$2` is to get by `$3`, at most `$4`. */
export const DUE = `
  SELECT d.message_id, d.tries, d.next_at, m.type, m.occurred_at, m.data, m.customer_nos
    FROM outgoing_deliveries d JOIN outgoing_messages m ON m.tenant_id = $1 AND m.message_id = d.message_id
   WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.status = 'pending' AND d.next_at <= $3 ORDER BY d.next_at, d.message_id LIMIT $4`;

/** The subscription's row, which nobody else changes until the transaction ends. */
export const HOLD_TARGET = 'SELECT url, failing_since FROM event_subscriptions WHERE tenant_id = $1 AND subscription_id = $2 FOR NO KEY UPDATE';

/** Logs attempts (`$3`, a JSON list) of what is still kept, made at `$4`. */
export const LOG_ATTEMPTS = `
  INSERT INTO outgoing_attempts (tenant_id, attempt_id, message_id, subscription_id, status_code, error, duration_ms, answer, attempted_at)
  SELECT $1, a.attempt_id, a.message_id, $2, a.status_code, a.error, a.duration_ms, a.answer, $4
    FROM json_to_recordset($3::json) AS a (attempt_id text, message_id text, status_code int, error text, duration_ms int, answer text)
    JOIN outgoing_deliveries d ON d.tenant_id = $1 AND d.message_id = a.message_id AND d.subscription_id = $2`;

/**
 * Who logs answers of receivers holds this lock shared until its commit, an erasure alone: so no answer is logged that an erasure does
 * not see, nor one about somebody who is not there any more.
 */
export const ANSWERS_SHARED = `SELECT pg_advisory_xact_lock_shared(hashtext('outgoing_attempts.answer'), $1)`;
export const ANSWERS_ALONE = `SELECT pg_advisory_xact_lock(hashtext('outgoing_attempts.answer'), $1)`;

/** What became of messages (`$3`) that were due at `$4` (statuses `$5`, and when each goes out again, `$6`). One that was asked for again meanwhile stays due. */
export const SETTLE = `
  UPDATE outgoing_deliveries d
     SET tries = d.tries + 1,
         status = CASE WHEN date_trunc('milliseconds', d.next_at) > done.due_at THEN d.status ELSE done.status END,
         next_at = CASE WHEN date_trunc('milliseconds', d.next_at) > done.due_at THEN d.next_at ELSE coalesce(done.next_at, d.next_at) END
    FROM unnest($3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[]) AS done (message_id, due_at, status, next_at)
   WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.message_id = done.message_id`;

/** Messages that tell of nobody any more. */
export const DROP = 'DELETE FROM outgoing_deliveries WHERE tenant_id = $1 AND subscription_id = $2 AND message_id = ANY ($3::text[])';

export const SET_HEALTH = 'UPDATE event_subscriptions SET failing_since = $3 WHERE tenant_id = $1 AND subscription_id = $2';

export const DISABLE = `
  UPDATE event_subscriptions SET active = false, disabled_code = $3, disabled_at = $4, version = version + 1, updated_at = $4 WHERE tenant_id = $1 AND subscription_id = $2`;

/** The lane is ours (until `$3`) for longer (`$4`) under the session that is ours by now (`$7`), its receiver to be left alone until `$6`. No row when somebody else has taken it meanwhile. */
export const RENEW = `
  UPDATE event_subscription_lanes SET leased_until = $4, failing = $5, held_until = $6, session_no = $7 WHERE tenant_id = $1 AND subscription_id = $2 AND leased_until = $3 RETURNING 1`;

export const HOLD_LANE = 'SELECT 1 FROM event_subscription_lanes WHERE tenant_id = $1 AND subscription_id = $2 AND leased_until = $3 FOR UPDATE';

/** Gives the lane back at `$3`, due when the first of its messages is. Runs under the lock of {@link HOLD_LANE}, so it sees all that was kept. */
export const RELEASE = `
  UPDATE event_subscription_lanes l SET leased_until = '-infinity', session_no = NULL, due_at = coalesce((
           SELECT min(greatest(d.next_at, l.held_until, $3::timestamptz)) FROM outgoing_deliveries d JOIN event_subscriptions s ON s.tenant_id = $1 AND s.subscription_id = $2 AND s.active
            WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.status = 'pending'), 'infinity')
   WHERE l.tenant_id = $1 AND l.subscription_id = $2`;

/** Messages of before `$2`, with all that hangs on them. */
export const FORGET = 'DELETE FROM outgoing_messages WHERE tenant_id = $1 AND created_at < $2';

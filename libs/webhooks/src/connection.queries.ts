/** SQL of connections. `$1` is always the tenant. */

/** The tenant and provider of a connection's key. A key is never reused for another, so this can be cached for good. */
export const DIRECTORY = `SELECT t.id, t.name, d.provider FROM webhook_directory d JOIN tenants t ON t.id = d.tenant_id WHERE d.connection_id = $1`;

/** The tenant's connections `$2` with their secrets, newest first, and when each secret expires. */
export const OPEN = `
  SELECT c.connection_id, c.version, c.provider, c.scheme, c.tolerance_seconds,
         array_agg(s.sealed ORDER BY s.secret_no DESC) AS sealed, array_agg(s.valid_until ORDER BY s.secret_no DESC) AS valid_until
    FROM webhook_connections c JOIN webhook_secrets s ON s.tenant_id = c.tenant_id AND s.provider = c.provider
   WHERE c.tenant_id = $1 AND c.connection_id = ANY ($2)
   GROUP BY c.tenant_id, c.provider`;

/** This many refused posts in a row are no accident: the secret or a clock is wrong. */
const FAILURES_OF_AN_ERROR = 5;

/**
 * Verification of connection `c` since it was last connected: `last_verified`, when a post or a check of the URL was last verified, and whether it is `broken`.
 * Successes are noted with the totals, which posts update anyway, so a success ends a row of failures only when the row is evaluated.
 */
const HEALTH = `
  CROSS JOIN LATERAL (
    SELECT greatest(c.checked_at, max(t.last_verified)) AS last_verified FROM webhook_totals t
     WHERE t.tenant_id = c.tenant_id AND t.provider = c.provider AND t.last_verified >= c.updated_at) v
  CROSS JOIN LATERAL (SELECT c.failures_in_a_row >= ${FAILURES_OF_AN_ERROR} AND coalesce(v.last_verified <= c.last_failed_at, true) AS broken) h`;

/** A connection as shown; `previous_until` is when the last replaced secret that is still valid expires. */
export const SHOW = `
  SELECT c.connection_id, c.scheme, c.tolerance_seconds, c.failed_verifications::int, v.last_verified, h.broken, c.last_failure, c.api_token IS NOT NULL AS has_api_token,
         (SELECT max(s.valid_until) FROM webhook_secrets s WHERE s.tenant_id = $1 AND s.provider = $2 AND s.valid_until > $3) AS previous_until,
         (SELECT s.sealed FROM webhook_secrets s WHERE s.tenant_id = $1 AND s.provider = $2 ORDER BY s.secret_no DESC LIMIT 1) AS sealed
    FROM webhook_connections c ${HEALTH} WHERE c.tenant_id = $1 AND c.provider = $2`;

/** Connects, or replaces a connection, which keeps its key. Concurrent calls take turns on the row. */
export const CONNECT = `
  INSERT INTO webhook_connections (tenant_id, provider, connection_id, scheme, tolerance_seconds, created_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $6)
  ON CONFLICT (tenant_id, provider) DO UPDATE
    SET version = webhook_connections.version + 1, scheme = excluded.scheme, tolerance_seconds = excluded.tolerance_seconds, updated_at = excluded.updated_at,
        failures_in_a_row = 0, last_failed_at = NULL, last_failure = NULL, checked_at = NULL
  RETURNING connection_id`;

/** A token belongs to the connection: without a new one it is removed. A pause that HubSpot asked for ends with the old token. */
export const SET_API_TOKEN = `UPDATE webhook_connections SET api_token = $3, api_held_until = NULL WHERE tenant_id = $1 AND provider = $2`;

export const ENTER_IN_DIRECTORY = `INSERT INTO webhook_directory (tenant_id, connection_id, provider) VALUES ($1, $2, $3) ON CONFLICT (connection_id) DO NOTHING`;

export const LEAVE_DIRECTORY = `DELETE FROM webhook_directory WHERE tenant_id = $1 AND connection_id = $2`;

/** Increments the connection's version; rotations take turns on its row. */
export const ANOTHER_VERSION = `UPDATE webhook_connections SET version = version + 1 WHERE tenant_id = $1 AND provider = $2 RETURNING scheme`;

export const ADD_SECRET = `INSERT INTO webhook_secrets (tenant_id, provider, sealed, created_at) VALUES ($1, $2, $3, $4)`;

export const DROP_SECRETS = `DELETE FROM webhook_secrets WHERE tenant_id = $1 AND provider = $2`;

/** Lets the current secret expire at `$4`, and drops those that have expired at `$3` and all but the newest three. */
export const RETIRE_SECRETS = `
  WITH dropped AS (
    DELETE FROM webhook_secrets WHERE tenant_id = $1 AND provider = $2
       AND (valid_until <= $3 OR secret_no NOT IN (
             SELECT secret_no FROM webhook_secrets WHERE tenant_id = $1 AND provider = $2 ORDER BY secret_no DESC LIMIT 3)))
  UPDATE webhook_secrets SET valid_until = $4 WHERE tenant_id = $1 AND provider = $2 AND valid_until IS NULL`;

export const DISCONNECT = `DELETE FROM webhook_connections WHERE tenant_id = $1 AND provider = $2 RETURNING connection_id`;

/** Counts `$3` refused posts of the connection `$2` at `$4`; `$5` is why the last one was refused. */
export const COUNT_FAILURES = `
  UPDATE webhook_connections f
     SET failed_verifications = f.failed_verifications + $3, last_failed_at = $4, last_failure = $5,
         failures_in_a_row = $3 + CASE WHEN v.last_verified > f.last_failed_at THEN 0 ELSE f.failures_in_a_row END
    FROM webhook_connections c ${HEALTH}
   WHERE c.tenant_id = $1 AND c.connection_id = $2 AND f.tenant_id = $1 AND f.provider = c.provider`;

export const NOTE_CHECK = `UPDATE webhook_connections SET checked_at = $3 WHERE tenant_id = $1 AND connection_id = $2`;

/** Per provider: whether it is connected, whether the connection is broken, and how many events have arrived. Providers without either are left out. */
export const PROVIDERS_OF_TENANT = `
  SELECT provider, bool_or(connected) AS connected, bool_or(broken) AS broken, sum(events)::float8 AS events_received, max(last_event) AS last_event
    FROM (SELECT c.provider, true AS connected, h.broken, 0 AS events, NULL::timestamptz AS last_event FROM webhook_connections c ${HEALTH} WHERE c.tenant_id = $1
          UNION ALL
          SELECT provider, false, false, events_received, last_event FROM webhook_totals WHERE tenant_id = $1) known
   GROUP BY provider`;

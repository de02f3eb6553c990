/** SQL of subscriptions. `$1` is always the tenant. */

/** Creators of one tenant take turns, so that none is one too many. */
export const CREATORS_TURN = `SELECT pg_advisory_xact_lock(hashtext('event_subscriptions'), $1)`;

export const COUNT = 'SELECT count(*)::int AS count FROM event_subscriptions WHERE tenant_id = $1';

export const INSERT = `
  INSERT INTO event_subscriptions (tenant_id, subscription_id, url, events, active, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6)`;

export const INSERT_LANE = 'INSERT INTO event_subscription_lanes (tenant_id, subscription_id) VALUES ($1, $2)';

/** As a subscription is shown at `$2`; `previous_until` is the end of the last secret that was rotated away, while it still signs. */
export const SHOWN = `
  SELECT s.subscription_id, s.url, s.events, s.active, s.disabled_code, s.disabled_at, s.failing_since, s.version, s.created_at, s.updated_at,
         (SELECT max(k.valid_until) FROM event_subscription_secrets k WHERE k.tenant_id = $1 AND k.subscription_id = s.subscription_id AND k.valid_until > $2) AS previous_until
    FROM event_subscriptions s WHERE s.tenant_id = $1`;

/** The row, which nobody else changes until the transaction ends. */
export const HOLD = 'SELECT url, events, active, version FROM event_subscriptions WHERE tenant_id = $1 AND subscription_id = $2 FOR NO KEY UPDATE';

/** Whoever leaves a subscription active, or makes it so, takes the receiver for mended: nothing stands against it any more. */
export const UPDATE = `
  UPDATE event_subscriptions
     SET url = $3, events = $4, active = $5, version = version + 1, updated_at = $6,
         disabled_code = CASE WHEN NOT $5 THEN disabled_code END, disabled_at = CASE WHEN NOT $5 THEN disabled_at END, failing_since = CASE WHEN NOT $5 THEN failing_since END
   WHERE tenant_id = $1 AND subscription_id = $2`;

/** Has a worker look, after `$3`, at what waits; the instant `infinity` keeps it away. */
export const SET_LANE = `UPDATE event_subscription_lanes SET due_at = $3, failing = false, held_until = '-infinity' WHERE tenant_id = $1 AND subscription_id = $2`;

export const DELETE = 'DELETE FROM event_subscriptions WHERE tenant_id = $1 AND subscription_id = $2';

export const ADD_SECRET = 'INSERT INTO event_subscription_secrets (tenant_id, subscription_id, sealed, created_at) VALUES ($1, $2, $3, $4)';

/** Lets the current secret sign along until `$4`, and drops those that are over at `$3`, or more than three generations old. */
export const RETIRE_SECRETS = `
  WITH dropped AS (
    DELETE FROM event_subscription_secrets WHERE tenant_id = $1 AND subscription_id = $2
       AND (valid_until <= $3 OR secret_no NOT IN (
             SELECT secret_no FROM event_subscription_secrets WHERE tenant_id = $1 AND subscription_id = $2 ORDER BY secret_no DESC LIMIT 3)))
  UPDATE event_subscription_secrets SET valid_until = $4 WHERE tenant_id = $1 AND subscription_id = $2 AND valid_until IS NULL`;

export const ANOTHER_VERSION = 'UPDATE event_subscriptions SET version = version + 1, updated_at = $3 WHERE tenant_id = $1 AND subscription_id = $2';

/** What anybody of the tenant is to be told of. */
export const WANTED = 'SELECT DISTINCT unnest(events) AS type FROM event_subscriptions WHERE tenant_id = $1 AND active';

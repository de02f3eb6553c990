/** SQL of the log of attempts. `$1` is always the tenant, `$2` the subscription. */

export const SUBSCRIPTION = 'SELECT active FROM event_subscriptions WHERE tenant_id = $1 AND subscription_id = $2';

/** The log, without its columns: of those with the status `$3`, or of all. */
export const LOG = `
  FROM outgoing_attempts a
  JOIN outgoing_deliveries d ON d.tenant_id = $1 AND d.message_id = a.message_id AND d.subscription_id = $2
  JOIN outgoing_messages m ON m.tenant_id = $1 AND m.message_id = a.message_id
  JOIN event_subscriptions s ON s.tenant_id = $1 AND s.subscription_id = $2
 WHERE a.tenant_id = $1 AND a.subscription_id = $2
   AND ($3::text IS NULL OR $3 = CASE WHEN a.status_code BETWEEN 200 AND 299 THEN 'succeeded' ELSE 'failed' END)`;

export const COLUMNS = `a.attempt_id, a.message_id, m.type, a.status_code, a.error, a.duration_ms, a.answer, a.attempted_at,
  d.status AS message_status, CASE WHEN d.status = 'pending' AND s.active THEN d.next_at END AS next_attempt_at`;

/** Has the message of the attempt `$3` sent again at `$4`, whatever became of it. */
export const SEND_AGAIN = `
  UPDATE outgoing_deliveries d SET status = 'pending', next_at = $4
    FROM outgoing_attempts a WHERE a.tenant_id = $1 AND a.subscription_id = $2 AND a.attempt_id = $3
     AND d.tenant_id = $1 AND d.subscription_id = $2 AND d.message_id = a.message_id`;

/** Whoever has it sent by hand does not wait for what the receiver asked for before. */
export const OPEN_LANE = `UPDATE event_subscription_lanes SET due_at = least(due_at, $3), held_until = '-infinity' WHERE tenant_id = $1 AND subscription_id = $2`;

/** What all sides of the webhooks' bench verify with. */
export const SECRET = 'whsec_c2hhcmVkIGJ5IGFsbCBzaWRlcyBvZiB0aGUgYmVuY2g=';

/** What one would write: the id that tells repetitions, and what came. */
export const BARE_TABLE = 'CREATE TABLE bare_webhooks (event_id text PRIMARY KEY, body bytea NOT NULL, received_at timestamptz NOT NULL)';
export const BARE_INSERT = 'INSERT INTO bare_webhooks (event_id, body, received_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING';

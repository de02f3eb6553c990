import { DEFER_REASONS, SKIP_REASONS } from './decision.js';
import { FACTS } from './receipt.queries.js';

/** The ledger's moves, as SQL. `$1` is always the tenant, and `$2` the campaign where there is one. */

/** Tries that reached the provider, after which its "later" is taken for a no, and a worker's end for one that the message brought about. */
export const MAX_ATTEMPTS = 12;

/** Whoever the receiver was: an operator had the message sent once more, and nobody says any more that it was never sent. */
export const RESENT = 'resent';

/** Whether the recipient may have the message: a provider took it, or may have. What was refused, or is to come later, nobody has read; what an operator gave up somebody may have. */
export const TOLD = `(status IN ('calling', 'accepted', 'unknown') OR receiver IS NOT NULL OR reason = 'given_up')`;

/** A row of the ledger that a worker holds. */
export interface ClaimedRow {
  customer_no: number;
  channel: 'email' | 'sms' | 'push';
  attempts: number;
  /** Which variant they were tried with; null before the first call, and without variants. */
  variant: string | null;
  /** Who may have it already, and takes it once: it goes to nobody else. */
  receiver: string | null;
}

/**
 * Has rows that are named be found by their keys, and the first that is due by its place in the index, whatever PostgreSQL knows of the tables: they
 * may have grown from nothing to a million since it last looked, and a plan that reads them through for every batch of a hundred is then the end of
 * all speed. Prepared statements are planned once and for all, since with eight partitions that takes as long as the update of a batch.
 */
export const BY_KEYS = 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan';

/** Whose mailings the sender has to look after. */
export const TENANTS_AT_WORK = `
  SELECT t.id, t.name FROM tenants t WHERE EXISTS (SELECT 1 FROM campaign_directory d WHERE d.tenant_id = t.id AND d.sending) ORDER BY t.id`;

/**
 * The mailings of `$1` that are not done, most urgent first (their contents, which may be large, where something is due), and what each needs at the instant `$2`,
 * when the workers of the sessions `$3` are gone. Looked for as the first and not by EXISTS, which would be made a join with all that is due.
 */
export const MAILINGS_AT_WORK = `
  SELECT w.*, CASE WHEN cardinality(w.due) > 0 THEN m.content END AS content
    FROM (
  SELECT m.campaign_no, m.campaign_id, m.state, m.type, m.channels, m.started_at, m.promo_code, m.promo_id, m.ends_at, m.priority, m.options, m.snapshot_done, m.ab_test, m.claims_from::text,
         ARRAY (SELECT c FROM unnest(m.channels) AS c WHERE (SELECT true FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.status = 'pending'
                    AND d.channel = c AND d.next_attempt_at >= CASE WHEN m.state = 'canceled' THEN '-infinity' ELSE m.claims_from END
                    AND d.next_attempt_at <= CASE WHEN m.state = 'canceled' THEN 'infinity' ELSE $2::timestamptz END ORDER BY d.next_attempt_at LIMIT 1)) AS due,
         EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.status IN ('claimed', 'calling') AND d.lease_until < $2)
           OR (cardinality($3::int[]) > 0 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.status IN ('claimed', 'calling') AND d.held_by = ANY ($3))) AS lost,
         NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.status = 'pending')
           AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.status IN ('claimed', 'calling')) AS settled
    FROM campaign_directory c JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = c.campaign_no
   WHERE c.tenant_id = $1 AND c.sending) w JOIN mailings m USING (campaign_no)
   WHERE m.tenant_id = $1
   ORDER BY w.priority DESC, w.started_at, w.campaign_no`;

/**
 * Takes at most `$5` rows of the channel `$6` that are due from `$8` to `$3` for the session `$7`, under a lease until `$4`; rows that another worker is taking are passed over.
 * MATERIALIZED, since a subquery that a join runs again locks other rows each time, and takes more than the limit.
 */
export const CLAIM = `
  WITH due AS MATERIALIZED (
    SELECT customer_no FROM deliveries
     WHERE tenant_id = $1 AND campaign_no = $2 AND status = 'pending' AND channel = $6 AND next_attempt_at BETWEEN $8 AND $3
     ORDER BY next_attempt_at LIMIT $5 FOR UPDATE SKIP LOCKED)
  UPDATE deliveries d SET status = 'claimed', lease_until = $4, held_by = $7
   WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.customer_no = ANY (ARRAY (SELECT customer_no FROM due)) AND d.channel = $6
  RETURNING d.customer_no, d.channel, d.attempts, d.variant, d.receiver`;

export const named = (rows: readonly ClaimedRow[]): [number[], string[]] => [rows.map((row) => row.customer_no), rows.map((row) => row.channel)];

export const touched = (campaignNo: number, rows: readonly ClaimedRow[]) => ({ campaignNos: rows.map(() => campaignNo), customerNos: rows.map((row) => row.customer_no) });

/**
 * Rows are named by all of their key, `$1` to `$4`, customers as a list that an index takes: whatever PostgreSQL knows of the table, no plan reads more than those.
 * A join alone it may turn round, and read all of a campaign that it last saw empty, for every batch.
 */
const KEYS = 'd.tenant_id = $1 AND d.campaign_no = $2 AND d.customer_no = ANY ($3::int[])';
const ROWS = `${KEYS} AND d.customer_no = n.customer_no AND d.channel = n.channel`;

/** The rows named by `$3` and `$4`. */
const NAMED = `FROM unnest($3::int[], $4::text[]) AS n (customer_no, channel) WHERE ${ROWS}`;

/** Not by the index of held rows, which ends where vacuum has not been since: all that were held before stand in the way there. */
const held = (status: string): string => `d.status || '' = '${status}'`;

/** Pauses a mailing that cannot go on. */
export const HOLD = `UPDATE mailings SET state = 'paused' WHERE tenant_id = $1 AND campaign_no = $2 AND state = 'running' RETURNING campaign_id`;

/** Gives claimed rows back untouched. */
export const RELEASE = `UPDATE deliveries d SET status = 'pending', lease_until = NULL ${NAMED} AND ${held('claimed')}`;

/** Gives rows back that were to be called and certainly were not, whether or not it was committed that they are; `$5` the sessions that hold them. */
export const UNCALL = `
  UPDATE deliveries d SET status = 'pending', lease_until = NULL, attempts = d.attempts - (d.status = 'calling')::int ${NAMED} AND d.status IN ('claimed', 'calling') AND d.held_by = ANY ($5::int[])`;

/** Gives claimed rows back, each to be looked at again at its own time, with the reason. */
export const DEFER = `
  UPDATE deliveries d SET status = 'pending', lease_until = NULL, reason = n.reason, next_attempt_at = n.until
    FROM unnest($3::int[], $4::text[], $5::text[], $6::timestamptz[]) AS n (customer_no, channel, reason, until)
   WHERE ${ROWS} AND ${held('claimed')}`;

/** The last step before the network: from here on, a row without an outcome is `unknown`, or goes to the receiver `$10` again. Only rows of the channel `$4` that the session `$7` still holds are called. */
export const CALL = `
  UPDATE deliveries d SET status = 'calling', lease_until = $5, attempts = d.attempts + 1, provider = $6, receiver = coalesce($10, d.receiver), variant = $8, called_at = $9, admitted_at = coalesce(d.admitted_at, $9)
   WHERE ${KEYS} AND d.channel = $4 AND ${held('claimed')} AND d.held_by = $7
  RETURNING d.customer_no`;

/**
 * Settles claimed rows without a call, at the instant `$7`: status `$5`, with a reason for each in `$6`; but of what somebody may have nobody says that it was not sent. What a control group does counts from when it is held out, and what
 * the others do from when they were admitted: so were those, too, of whom it turns out only then that nothing can be written or that another has their address.
 */
export const SETTLE = `
  UPDATE deliveries d SET status = CASE WHEN d.receiver IS NULL THEN n.status ELSE 'unknown' END, reason = n.reason, lease_until = NULL, held_out_at = CASE WHEN n.reason = 'holdout' THEN $7::timestamptz END,
         admitted_at = CASE WHEN n.status = 'rejected' OR n.reason = 'duplicate_address' THEN coalesce(d.admitted_at, $7) ELSE d.admitted_at END
    FROM unnest($3::int[], $4::text[], $5::text[], $6::text[]) AS n (customer_no, channel, status, reason)
   WHERE ${ROWS} AND ${held('claimed')}`;

/** Gives each address of the channel `$3` to the first customer who has it: for good, unless nothing could be written for them. Tells who has just got theirs. */
export const TAKE_ADDRESSES = `
  INSERT INTO mailing_addresses (tenant_id, campaign_no, channel, address_hash, customer_no)
  SELECT $1, $2, $3, address_hash, customer_no FROM unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no) ORDER BY address_hash, customer_no
  ON CONFLICT DO NOTHING
  RETURNING customer_no`;

/** For the next one who shares it. */
export const LEAVE_ADDRESSES = `
  DELETE FROM mailing_addresses o USING unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no)
   WHERE o.tenant_id = $1 AND o.campaign_no = $2 AND o.channel = $3 AND o.address_hash = a.address_hash AND o.customer_no = a.customer_no`;

/** Which of those customers have their address. */
export const ADDRESS_OWNERS = `
  SELECT o.customer_no FROM unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no)
    JOIN mailing_addresses o ON o.tenant_id = $1 AND o.campaign_no = $2 AND o.channel = $3 AND o.address_hash = a.address_hash AND o.customer_no = a.customer_no`;

/**
 * Writes what the provider said, at the instant `$9`. An answer that comes after the lease ran out still counts, unless it is
 * "later": the mailing may have ended, and to send again is the operator's to say. One that
 * comes after a receipt does not undo it, but nothing happened to a message before it was accepted. SMTP sends no receipts:
 * what it accepted and does not bounce was delivered. Told twice, since nobody knew whether the first time was committed, it must not
 * undo what another worker does meanwhile: calls of others than the sessions `$11` are left alone.
 */
export const RECORD_OUTCOMES = `
  UPDATE deliveries d
     SET status = n.status, reason = n.reason, lease_until = NULL,
         provider_message_id = coalesce(n.message_id, d.provider_message_id),
         next_attempt_at = coalesce(n.next_attempt_at, d.next_attempt_at),
         receiver = CASE WHEN n.bound THEN d.receiver END,
         attempts = d.attempts - CASE WHEN n.reached THEN 0 ELSE 1 END,
         accepted_at = CASE WHEN n.status = 'accepted' THEN coalesce(d.accepted_at, $9) END,
         ${FACTS.map((fact) => `${fact} = CASE WHEN n.status = 'accepted' AND (d.${fact} < $9${fact === 'delivered_at' ? ` OR d.provider = 'smtp'` : ''}) THEN $9 ELSE d.${fact} END`).join(', ')}
    FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $10::boolean[], $12::boolean[]) AS n (customer_no, channel, status, reason, message_id, next_attempt_at, reached, bound)
   WHERE ${ROWS}
     AND ((d.status = 'unknown' AND n.status <> 'pending') OR (d.status = 'calling' AND d.held_by = ANY ($11::int[])))`;

/** Rows whose worker is gone: its lease has ended at the instant `$3`, or it is of the sessions `$5`; at most `$4`. */
export const LOST = `
  SELECT customer_no, channel, status FROM deliveries
   WHERE tenant_id = $1 AND campaign_no = $2 AND status IN ('claimed', 'calling') AND (lease_until < $3 OR held_by = ANY ($5::int[]))
   ORDER BY lease_until LIMIT $4 FOR UPDATE SKIP LOCKED`;

/** What was only claimed may be claimed again, and what a receiver takes once may be sent again, if not for ever; of what else was being called nobody knows, unless a receipt has come meanwhile. */
export const RECOVER = `
  UPDATE deliveries d
     SET status = CASE WHEN d.status = 'claimed' THEN 'pending' WHEN coalesce(d.delivered_at, d.bounced_at) IS NOT NULL THEN 'accepted'
                       WHEN d.receiver <> '${RESENT}' AND d.attempts < ${MAX_ATTEMPTS} THEN 'pending' ELSE 'unknown' END,
         reason = CASE WHEN d.status = 'calling' THEN 'worker_lost' END,
         accepted_at = CASE WHEN d.status = 'calling' THEN least(d.delivered_at, d.bounced_at) END,
         lease_until = NULL ${NAMED}`;

/** Pending rows of a canceled mailing; at most `$3`. */
export const CANCELABLE = `
  SELECT customer_no, channel FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 AND status = 'pending' LIMIT $3 FOR UPDATE SKIP LOCKED`;

/** What somebody may have is not skipped. */
export const SKIP_CANCELED = `
  UPDATE deliveries d SET status = CASE WHEN d.receiver IS NULL THEN 'skipped' ELSE 'unknown' END, reason = CASE WHEN d.receiver IS NULL THEN '${SKIP_REASONS[0]}' ELSE d.reason END ${NAMED} AND d.status = 'pending'`;

/** Named rows that wait and cannot go: nobody knows of them what was not known before; the reason is `$5` unless there is one that says more. */
export const GIVE_BACK = `
  UPDATE deliveries d SET status = 'unknown', reason = CASE WHEN d.reason = ANY ('{${DEFER_REASONS.join(',')}}') THEN $5 ELSE coalesce(d.reason, $5) END ${NAMED} AND d.status = 'pending'`;

/** Ends a mailing all of whose rows are settled; the conditions are looked at again, under its lock. */
export const FINISH = `
  UPDATE mailings m SET state = CASE WHEN state = 'running' THEN 'finished' ELSE state END, finished_at = $3
   WHERE m.tenant_id = $1 AND m.campaign_no = $2
     AND (m.state = 'canceled' OR (m.state = 'running' AND m.snapshot_done AND (m.ab_test IS NULL OR m.ab_test ? 'winner') AND (m.ends_at <= $3 OR m.ends_at IS NULL AND m.options->>'delivery_mode' IS DISTINCT FROM 'continuous')))
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status = 'pending')
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status IN ('claimed', 'calling'))
  RETURNING m.state, m.campaign_id`;

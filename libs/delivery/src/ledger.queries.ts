import { DEFER_REASONS, SKIP_REASONS } from './decision.js';
import { FACTS } from './receipt.queries.js';

/** The ledger's state changes, as SQL. `$1` is always the tenant, and `$2` the campaign, if there is one. */

/** After so many tries that reached the provider, its "later" counts as a refusal, and a worker's death as caused by the message. */
export const MAX_ATTEMPTS = 12;

/** In place of a receiver: an operator had the message sent once more, so nothing may claim any more that it was never sent. */
export const RESENT = 'resent';

/** Whether the recipient may have the message: a provider took it, or may have. A refused message was read by nobody, nor was one that is to be sent later; one that an operator gave up may have arrived. */
export const TOLD = `(status IN ('calling', 'accepted', 'unknown') OR receiver IS NOT NULL OR reason = 'given_up')`;

/** A row of the ledger that a worker holds. */
export interface ClaimedRow {
  customer_no: number;
  channel: 'email' | 'sms' | 'push';
  attempts: number;
  /** The variant of the first try; null before it, and without variants. */
  variant: string | null;
  /** Who may have the message already, and ignores repeats: it goes to nobody else. */
  receiver: string | null;
}

/**
 * Makes PostgreSQL find rows by their keys, and the first due row by the index, whatever its statistics say: the tables may have grown from nothing to a
 * million rows since the last ANALYZE, and a plan that scans them for every batch of a hundred would be hopelessly slow. Prepared statements keep a
 * generic plan, since planning over eight partitions takes as long as updating a batch.
 */
export const BY_KEYS = 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan';

/** Tenants that have mailings for the sender to look after. */
export const TENANTS_AT_WORK = `
  SELECT t.id, t.name FROM tenants t WHERE EXISTS (SELECT 1 FROM campaign_directory d WHERE d.tenant_id = t.id AND d.sending) ORDER BY t.id`;

/**
 * The unfinished mailings of `$1`, most urgent first, and what each needs at the instant `$2`, given that the workers of the sessions `$3` are gone. The content,
 * which may be large, comes only where something is due. `LIMIT 1` instead of EXISTS, which PostgreSQL would turn into a join with everything that is due.
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
 * Takes at most `$5` rows of the channel `$6` that are due from `$8` to `$3` for the session `$7`, under a lease until `$4`; rows that another worker is taking are skipped.
 * MATERIALIZED, since a join that ran the subquery again would lock other rows each time, and exceed the limit.
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
 * Rows are named by their whole key, `$1` to `$4`, with the customers as a list that an index can use, so that no plan reads more than those rows.
 * With a join alone, PostgreSQL may scan a whole campaign for every batch, because its statistics say that it is empty.
 */
const KEYS = 'd.tenant_id = $1 AND d.campaign_no = $2 AND d.customer_no = ANY ($3::int[])';
const ROWS = `${KEYS} AND d.customer_no = n.customer_no AND d.channel = n.channel`;

/** The rows named by `$3` and `$4`. */
const NAMED = `FROM unnest($3::int[], $4::text[]) AS n (customer_no, channel) WHERE ${ROWS}`;

/** Written so that the index of held rows is not used: until the next vacuum it is full of entries of rows that were held before. */
const held = (status: string): string => `d.status || '' = '${status}'`;

/** Pauses a mailing that cannot go on. */
export const HOLD = `UPDATE mailings SET state = 'paused' WHERE tenant_id = $1 AND campaign_no = $2 AND state = 'running' RETURNING campaign_id`;

/** Gives claimed rows back untouched. */
export const RELEASE = `UPDATE deliveries d SET status = 'pending', lease_until = NULL ${NAMED} AND ${held('claimed')}`;

/** Gives back rows that were certainly not sent, whether or not `calling` was committed for them; `$5` the sessions that hold them. */
export const UNCALL = `
  UPDATE deliveries d SET status = 'pending', lease_until = NULL, attempts = d.attempts - (d.status = 'calling')::int ${NAMED} AND d.status IN ('claimed', 'calling') AND d.held_by = ANY ($5::int[])`;

/** Gives claimed rows back, each with a reason and the time at which it is due again. */
export const DEFER = `
  UPDATE deliveries d SET status = 'pending', lease_until = NULL, reason = n.reason, next_attempt_at = n.until
    FROM unnest($3::int[], $4::text[], $5::text[], $6::timestamptz[]) AS n (customer_no, channel, reason, until)
   WHERE ${ROWS} AND ${held('claimed')}`;

/** The last step before the network: from here on, a row without an outcome is `unknown`, or goes to the receiver `$10` again. Only rows of the channel `$4` that the session `$7` still holds are marked. */
export const CALL = `
  UPDATE deliveries d SET status = 'calling', lease_until = $5, attempts = d.attempts + 1, provider = $6, receiver = coalesce($10, d.receiver), variant = $8, called_at = $9, admitted_at = coalesce(d.admitted_at, $9)
   WHERE ${KEYS} AND d.channel = $4 AND ${held('claimed')} AND d.held_by = $7
  RETURNING d.customer_no`;

/**
 * Settles claimed rows without sending, at the instant `$7`: with the statuses `$5` and reasons `$6`, or as `unknown` if somebody may have the message already.
 * For lift, a control group counts from the moment it is held out, and everybody else from the moment they are admitted. Those for whom no message could be written, or whose address
 * belongs to another, had been admitted as well.
 */
export const SETTLE = `
  UPDATE deliveries d SET status = CASE WHEN d.receiver IS NULL THEN n.status ELSE 'unknown' END, reason = n.reason, lease_until = NULL, held_out_at = CASE WHEN n.reason = 'holdout' THEN $7::timestamptz END,
         admitted_at = CASE WHEN n.status = 'rejected' OR n.reason = 'duplicate_address' THEN coalesce(d.admitted_at, $7) ELSE d.admitted_at END
    FROM unnest($3::int[], $4::text[], $5::text[], $6::text[]) AS n (customer_no, channel, status, reason)
   WHERE ${ROWS} AND ${held('claimed')}`;

/** Gives each address of the channel `$3` to the first customer who has it: for good, unless no message can be written for them. Returns who got theirs just now. */
export const TAKE_ADDRESSES = `
  INSERT INTO mailing_addresses (tenant_id, campaign_no, channel, address_hash, customer_no)
  SELECT $1, $2, $3, address_hash, customer_no FROM unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no) ORDER BY address_hash, customer_no
  ON CONFLICT DO NOTHING
  RETURNING customer_no`;

/** Gives addresses up, for the next customer who shares them. */
export const LEAVE_ADDRESSES = `
  DELETE FROM mailing_addresses o USING unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no)
   WHERE o.tenant_id = $1 AND o.campaign_no = $2 AND o.channel = $3 AND o.address_hash = a.address_hash AND o.customer_no = a.customer_no`;

/** Which of those customers own their address. */
export const ADDRESS_OWNERS = `
  SELECT o.customer_no FROM unnest($4::bytea[], $5::int[]) AS a (address_hash, customer_no)
    JOIN mailing_addresses o ON o.tenant_id = $1 AND o.campaign_no = $2 AND o.channel = $3 AND o.address_hash = a.address_hash AND o.customer_no = a.customer_no`;

/**
 * Records what the provider said, at the instant `$9`. An answer after the end of the lease still counts, unless it is
 * "later": the mailing may have ended, and sending again is for the operator to decide. An answer after a receipt
 * does not undo it, but nothing can have happened to a message before it was accepted. SMTP sends no receipts:
 * what it accepted and does not bounce was delivered. The same outcome may be recorded twice, if it was not known whether the first time was committed. So as not to
 * undo what another worker does meanwhile, only calls of the sessions `$11` are changed.
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

/** Rows that were only claimed may be claimed again. What a receiver ignores when repeated may be sent again, within limits. Everything else that was being sent is unknown, unless a receipt has come meanwhile. */
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

/** Skips what is pending, except what somebody may have already: that is unknown. */
export const SKIP_CANCELED = `
  UPDATE deliveries d SET status = CASE WHEN d.receiver IS NULL THEN 'skipped' ELSE 'unknown' END, reason = CASE WHEN d.receiver IS NULL THEN '${SKIP_REASONS[0]}' ELSE d.reason END ${NAMED} AND d.status = 'pending'`;

/** Makes pending rows that cannot be sent unknown again. The reason is `$5`, unless there is one that says more. */
export const GIVE_BACK = `
  UPDATE deliveries d SET status = 'unknown', reason = CASE WHEN d.reason = ANY ('{${DEFER_REASONS.join(',')}}') THEN $5 ELSE coalesce(d.reason, $5) END ${NAMED} AND d.status = 'pending'`;

/** Ends a mailing whose rows are all settled; the conditions are checked again under its lock. */
export const FINISH = `
  UPDATE mailings m SET state = CASE WHEN state = 'running' THEN 'finished' ELSE state END, finished_at = $3
   WHERE m.tenant_id = $1 AND m.campaign_no = $2
     AND (m.state = 'canceled' OR (m.state = 'running' AND m.snapshot_done AND (m.ab_test IS NULL OR m.ab_test ? 'winner') AND (m.ends_at <= $3 OR m.ends_at IS NULL AND m.options->>'delivery_mode' IS DISTINCT FROM 'continuous')))
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status = 'pending')
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status IN ('claimed', 'calling'))
  RETURNING m.state, m.campaign_id`;

import { DELIVERED } from './arrival.js';

/** SQL of A/B tests. `$1` is the tenant, `$2` the campaign. */

/** The due time of rows that wait for the winner: before all others, where nobody looks until the winner is known ({@link SAMPLE_FROM}). */
export const WAITING = '-infinity';

/** While they wait, only rows due from here on are claimed. Deciding changes one row of `mailings`, which opens all the others at once, whatever their number. */
export const SAMPLE_FROM = '0001-01-01T00:00:00Z';

/** Starts the waiting time, from the instant `$3` to `$4`, unless some of the sample still wait or are being sent to. */
export const SAMPLE_IS_SENT = `
  UPDATE mailings m SET ab_test = m.ab_test || jsonb_build_object('sample_sent_at', $3::text, 'decides_at', $4::text)
   WHERE m.tenant_id = $1 AND m.campaign_no = $2 AND m.state IN ('running', 'paused') AND m.snapshot_done AND NOT m.ab_test ? 'sample_sent_at'
     AND NOT EXISTS (SELECT 1 FROM unnest(m.channels) AS c WHERE (
           SELECT true FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status = 'pending' AND d.channel = c AND d.next_attempt_at >= m.claims_from ORDER BY d.next_attempt_at LIMIT 1))
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status IN ('claimed', 'calling'))`;

/** How many customers each variant was delivered to, and how many of them did what the test measures. Only the sample has got a variant so far. `metric` is one of our own names. */
export const standingsSql = (metric: string): string => `
  SELECT variant, (count(*) FILTER (WHERE delivered))::int AS of, (count(*) FILTER (WHERE delivered AND hit))::int AS hits
    FROM (SELECT variant, bool_or(${DELIVERED}) AS delivered,
                 bool_or(${metric}_at IS NOT NULL) AS hit
            FROM deliveries d WHERE tenant_id = $1 AND campaign_no = $2 AND variant IS NOT NULL
           GROUP BY variant, customer_no) customers
   GROUP BY variant`;

/** Decides once: a second worker finds the winner there. */
export const DECIDE = `
  UPDATE mailings SET claims_from = '${WAITING}', ab_test = ab_test || $3::jsonb
   WHERE tenant_id = $1 AND campaign_no = $2 AND state IN ('running', 'paused') AND NOT ab_test ? 'winner'
  RETURNING 1`;

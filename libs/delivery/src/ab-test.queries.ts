import { DELIVERED } from './arrival.js';

/** SQL of tests: `$1` the tenant, `$2` the campaign. */

/** When rows are due that wait for the winner: before all others, where no one looks until then ({@link SAMPLE_FROM}). */
export const WAITING = '-infinity';

/** From when on rows are claimed while they wait. The winner opens the rest at once, whatever their number, by one row of `mailings`. */
export const SAMPLE_FROM = '0001-01-01T00:00:00Z';

/** The test goes on from the instant `$3` to `$4`, when nobody of the sample waits or is being written to any more. */
export const SAMPLE_IS_SENT = `
  UPDATE mailings m SET ab_test = m.ab_test || jsonb_build_object('sample_sent_at', $3::text, 'decides_at', $4::text)
   WHERE m.tenant_id = $1 AND m.campaign_no = $2 AND m.state IN ('running', 'paused') AND m.snapshot_done AND NOT m.ab_test ? 'sample_sent_at'
     AND NOT EXISTS (SELECT 1 FROM unnest(m.channels) AS c WHERE (
           SELECT true FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status = 'pending' AND d.channel = c AND d.next_attempt_at >= m.claims_from ORDER BY d.next_attempt_at LIMIT 1))
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.status IN ('claimed', 'calling'))`;

/** What each variant came to, of the customers it was delivered to; only the sample has got any. `metric` is one of ours. */
export const standingsSql = (metric: string): string => `
  SELECT variant, (count(*) FILTER (WHERE delivered))::int AS of, (count(*) FILTER (WHERE delivered AND hit))::int AS hits
    FROM (SELECT variant, bool_or(${DELIVERED}) AS delivered,
                 bool_or(${metric}_at IS NOT NULL) AS hit
            FROM deliveries d WHERE tenant_id = $1 AND campaign_no = $2 AND variant IS NOT NULL
           GROUP BY variant, customer_no) customers
   GROUP BY variant`;

/** Once and for all: whoever comes second finds the winner there. */
export const DECIDE = `
  UPDATE mailings SET claims_from = '${WAITING}', ab_test = ab_test || $3::jsonb
   WHERE tenant_id = $1 AND campaign_no = $2 AND state IN ('running', 'paused') AND NOT ab_test ? 'winner'
  RETURNING 1`;

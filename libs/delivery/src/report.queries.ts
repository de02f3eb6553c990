import { DELIVERED, FAILED } from './arrival.js';

/** SQL of reports: `$1` the tenant, `$2` the campaign. Every number means the same as in the measure of {@link counted}. */

/** The numbers that a report gives for each variant and channel. */
export const COUNTS = ['sent', 'delivered', 'opened', 'clicked', 'converted', 'unsubscribed', 'bounced', 'failed', 'complained', 'skipped', 'unknown', 'machine_opened'] as const;
export type Count = (typeof COUNTS)[number];
export type Counts = Record<Count, number>;

/** Those also given by day. */
export const DAILY = ['sent', 'opened', 'clicked', 'converted', 'unsubscribed', 'bounced', 'complained'] as const;
export type Daily = (typeof DAILY)[number];

/** A report has at most this many days, the latest. */
export const DAYS = 400;

const FLAGS = { delivered: DELIVERED, failed: FAILED, skipped: `d.status = 'skipped'`, unknown: `d.status = 'unknown'`, machine_opened: 'd.machine_opened_at IS NOT NULL' } as const;

const INSTANTS: Record<Daily, string> = {
  sent: `CASE WHEN d.status = 'accepted' THEN d.accepted_at END`, opened: 'd.opened_at', clicked: 'd.clicked_at', converted: 'd.converted_at',
  unsubscribed: 'd.unsubscribed_at', bounced: 'd.bounced_at', complained: 'd.complained_at',
};

const flags = Object.keys(FLAGS);

/** Numbers of customers, summed over cells. */
const sums = COUNTS.map((count) => `coalesce(sum(n) FILTER (WHERE ${flags.includes(count) ? count : `${count}_on IS NOT NULL`}), 0)::float8 AS ${count}`).join(', ');

/**
 * Counts customers in one pass over the campaign's rows. Customers alike in everything that is counted form one cell; there are few cells, and all
 * results are sums over them. `$3` has the instants at which days begin, oldest first, so that the time zone is not consulted for a million instants.
 * `$4` is when the winner of a test was found: what was sent by then belongs to the sample, where chance alone decided who got what.
 *
 * @param several whether there are several channels: then a customer's rows are first combined into one
 */
export const cellsSql = (several: boolean): string => {
  const any = (flag: string): string => (several ? `bool_or(${flag})` : `(${flag})`);
  const first = (instant: string): string => (several ? `min(${instant})` : `(${instant})`);
  return `
    WITH recipients AS (
      SELECT ${several ? 'min(d.variant)' : 'd.variant'} AS variant, coalesce(${first('d.accepted_at')} <= $4::timestamptz, $4::timestamptz IS NULL) AS sampled,
             ${Object.entries(FLAGS).map(([name, flag]) => `${any(flag)} AS ${name}`).join(', ')},
             ${DAILY.map((name) => `width_bucket(${first(INSTANTS[name])}, $3::timestamptz[]) AS ${name}_on`).join(', ')}
        FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 ${several ? 'GROUP BY d.customer_no' : ''}),
    cells AS MATERIALIZED (SELECT *, count(*) AS n FROM recipients GROUP BY variant, sampled, ${[...flags, ...DAILY.map((name) => `${name}_on`)].join(', ')})
    SELECT (SELECT coalesce(json_agg(v), '[]') FROM (SELECT variant, sampled, ${sums} FROM cells GROUP BY variant, sampled) v) AS variants,
           (SELECT coalesce(json_agg(v), '[]') FROM (
              SELECT day, ${DAILY.map((name) => `coalesce(sum(n) FILTER (WHERE metric = '${name}'), 0)::float8 AS ${name}`).join(', ')}
                FROM cells CROSS JOIN LATERAL (VALUES ${DAILY.map((name) => `('${name}', ${name}_on)`).join(', ')}) AS happened (metric, day)
               WHERE day > 0 GROUP BY day) v) AS days`;
};

/** Messages of each channel, one per customer. */
export const CHANNEL_COUNTS = `
  SELECT channel, ${COUNTS.map((count) => `(count(*) FILTER (WHERE ${count in FLAGS ? FLAGS[count as keyof typeof FLAGS] : `(${INSTANTS[count as Daily]}) IS NOT NULL`}))::float8 AS ${count}`).join(', ')}
    FROM deliveries d WHERE tenant_id = $1 AND campaign_no = $2 GROUP BY channel`;

/** Revenue of attributed orders, by the channel and variant of the customer's message and by the day of `$3`; without a message in the ledger, channel and variant are null. */
export const REVENUE = `
  SELECT answered.channel, answered.variant, width_bucket(c.occurred_at, $3::timestamptz[]) AS day, sum(c.amount)::float8 AS revenue
    FROM conversions c
    LEFT JOIN LATERAL (
      SELECT d.channel, d.variant FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.customer_no = c.customer_no
       ORDER BY d.converted_at IS NULL LIMIT 1) answered ON true
   WHERE c.tenant_id = $1 AND c.campaign_no = $2
   GROUP BY 1, 2, 3`;

/**
 * Two groups that differ by chance alone: everybody who passed all checks and was written to, whatever became of the message (nobody knows whom
 * in the control group it would not have reached), and everybody who passed them and was held out. Counts each group, and how many of it placed
 * an order within `$3` days from that moment; the campaign started at `$4`. Each customer counts once: one merged from both groups was written to.
 * Nobody in a control group follows a link or has a code, so for both groups any order counts, attributed or not.
 *
 * @param orders see Events
 */
export const liftSql = (orders: string): string => `
  WITH drawn AS MATERIALIZED (
    SELECT customer_no, coalesce(min(admitted_at), min(held_out_at)) AS at, min(admitted_at) IS NULL AS control
      FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 AND (admitted_at IS NOT NULL OR held_out_at IS NOT NULL) GROUP BY customer_no),
  ordered AS (
    SELECT DISTINCT d.customer_no, d.control FROM (${orders}) o JOIN drawn d ON d.customer_no = o.customer_no
     WHERE o.tenant_id = $1 AND o.occurred_at > $4 AND o.occurred_at > d.at AND o.occurred_at <= d.at + make_interval(days => $3)),
  parties AS (SELECT count(*) FILTER (WHERE NOT control) AS treated, count(*) FILTER (WHERE control) AS control FROM drawn),
  converted AS (SELECT count(*) FILTER (WHERE NOT control) AS treated_converted, count(*) FILTER (WHERE control) AS control_converted FROM ordered)
  SELECT ${['treated', 'control', 'treated_converted', 'control_converted'].map((count) => `${count}::float8`).join(', ')} FROM parties CROSS JOIN converted`;

/** Clicks on the links `$3` by people, how many customers they are, and clicks by machines. */
export const LINK_CLICKS = `
  SELECT link_no, (count(*) FILTER (WHERE NOT machine))::float8 AS clicks, (count(DISTINCT customer_no) FILTER (WHERE NOT machine))::float8 AS customers,
         (count(*) FILTER (WHERE machine))::float8 AS machine_clicks
    FROM delivery_hits WHERE tenant_id = $1 AND campaign_no = $2 AND kind = 'click' AND link_no = ANY ($3::int[]) GROUP BY link_no`;

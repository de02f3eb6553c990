import type { EntityManager } from 'typeorm';
import { prepared, together } from '#database';
import type { Tenant } from '#kernel';
import { DELIVERED, FAILED } from './arrival.js';

/** What a campaign's metrics count, each customer once however many channels reached them; `revenue` is in minor units. */
export const METRICS = [
  'sent', 'delivered', 'opened', 'clicked', 'converted', 'revenue', 'unsubscribed', 'bounced', 'failed', 'complained', 'skipped', 'unknown', 'machine_opened',
] as const;

export type Metric = (typeof METRICS)[number];
export type Counters = Record<Metric, number>;

/** Recipients whose rows a change may touch: the numbers at one index belong together. */
export interface Touched {
  campaignNos: readonly number[];
  customerNos: readonly number[];
}

/**
 * The one place that says what each metric means. A conversion refunded to nothing is none any more.
 */
const MEASURE = `
  WITH touched AS (SELECT DISTINCT * FROM unnest($2::int[], $3::int[]) AS t (campaign_no, customer_no)),
  recipients AS (
    SELECT d.campaign_no,
           bool_or(d.status = 'accepted') AS sent,
           bool_or(${DELIVERED}) AS delivered,
           bool_or(d.opened_at IS NOT NULL) AS opened,
           bool_or(d.clicked_at IS NOT NULL) AS clicked,
           bool_or(d.unsubscribed_at IS NOT NULL) AS unsubscribed,
           bool_or(d.bounced_at IS NOT NULL) AS bounced,
           bool_or(${FAILED}) AS failed,
           bool_or(d.complained_at IS NOT NULL) AS complained,
           bool_or(d.status = 'skipped') AS skipped,
           bool_or(d.status = 'unknown') AS unknown,
           bool_or(d.machine_opened_at IS NOT NULL) AS machine_opened
      FROM touched t JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = t.campaign_no AND d.customer_no = t.customer_no AND d.campaign_no = ANY ($2) AND d.customer_no = ANY ($3)
     GROUP BY d.campaign_no, d.customer_no),
  reached AS (
    SELECT campaign_no, count(*) FILTER (WHERE sent) AS sent, count(*) FILTER (WHERE delivered) AS delivered, count(*) FILTER (WHERE opened) AS opened,
           count(*) FILTER (WHERE clicked) AS clicked, count(*) FILTER (WHERE unsubscribed) AS unsubscribed, count(*) FILTER (WHERE bounced) AS bounced,
           count(*) FILTER (WHERE failed) AS failed, count(*) FILTER (WHERE complained) AS complained, count(*) FILTER (WHERE skipped) AS skipped,
           count(*) FILTER (WHERE unknown) AS unknown, count(*) FILTER (WHERE machine_opened) AS machine_opened
      FROM recipients GROUP BY campaign_no),
  earned AS (
    SELECT c.campaign_no, count(DISTINCT nullif(c.customer_no, 0)) FILTER (WHERE c.gross = 0 OR c.amount > 0) AS converted, sum(c.amount) AS revenue
      FROM touched t JOIN conversions c ON c.tenant_id = $1 AND c.campaign_no = t.campaign_no AND c.customer_no = t.customer_no
     GROUP BY c.campaign_no)
  SELECT campaign_no, ${METRICS.map((metric) => `coalesce(${metric}, 0)::float8 AS ${metric}`).join(', ')}
    FROM reached FULL JOIN earned USING (campaign_no)`;

const LOCK = 'SELECT 1 FROM mailing_counters WHERE tenant_id = $1 AND campaign_no = ANY ($2::int[]) ORDER BY campaign_no FOR UPDATE';

/** Changes the counters by the difference between the measure now and the measure before, `$4`. */
const MOVE = `
  UPDATE mailing_counters AS kept SET ${METRICS.map((metric) => `${metric} = kept.${metric} + coalesce(now.${metric}, 0)::bigint - coalesce(before.${metric}, 0)`).join(', ')}
    FROM (${MEASURE}) AS now FULL JOIN jsonb_to_recordset($4::jsonb) AS before (campaign_no int, ${METRICS.map((metric) => `${metric} bigint`).join(', ')}) USING (campaign_no) AS moved
   WHERE kept.tenant_id = $1 AND kept.campaign_no = moved.campaign_no
     AND (${METRICS.map((metric) => `now.${metric}`).join(', ')}) IS DISTINCT FROM (${METRICS.map((metric) => `before.${metric}`).join(', ')})`;

/**
 * Does `work`, which may change ledger rows and conversions of the touched recipients only, and changes their
 * campaigns' counters by the difference it made. The counters' rows are locked meanwhile, in ascending order, so that of two
 * transactions on one campaign the second measures what the first left. The work's first statement is sent together with the lock.
 */
export async function counted<T>(tx: EntityManager, tenant: Tenant, touched: Touched, work: () => Promise<T>): Promise<T> {
  const key = [tenant.id, touched.campaignNos, touched.customerNos];
  const campaigns = [...new Set(touched.campaignNos)];
  const [, before, result] = await together(
    prepared(tx, { name: 'counters_lock', text: LOCK, values: [tenant.id, campaigns] }),
    prepared(tx, { name: 'counters_measure', text: MEASURE, values: key }),
    work(),
  );
  await prepared(tx, { name: 'counters_move', text: MOVE, values: [...key, JSON.stringify(before)] });
  return result;
}

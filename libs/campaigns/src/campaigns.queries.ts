import { boundedTotal, keptTotal, type Statement } from '#database';
import { type Metric, METRICS } from '#delivery';
import { isInt4, type Tenant, type Window } from '#kernel';
import type { Channel } from '#tenants';
import type { CampaignStatus, CampaignType } from './campaign.js';
import type { CampaignEntity } from './campaign.entity.js';

/** What delivery counted of one campaign; bigints come as text, and null before its start. */
export type CounterRow = Record<Metric, string | null>;

const COUNTERS = METRICS.map((metric) => `metrics.${metric}`).join(', ');

export interface CampaignRow extends CounterRow {
  campaign_no: number;
  campaign_id: string;
  name: string;
  type: CampaignType;
  status: CampaignStatus;
  channels: Channel[];
  segment_id: string;
  start_at: Date | null;
  end_at: Date | null;
}

export interface CampaignFilters {
  status?: CampaignStatus;
  type?: CampaignType;
  /** A day in the tenant's zone. */
  start_date?: string;
  channel?: Channel;
  q?: string;
}

export type CampaignKey = readonly [campaignNo: number];

export const isCampaignKey = (key: unknown[]): boolean => key.length === 1 && isInt4(key[0]);

/**
 * The statements of one page: its rows, newest first, with their counters, and how many match in all. The two texts of an
 * unfiltered list are named, so that their plans are kept; a filtered one is planned for its own values.
 *
 * @param metrics text that joins delivery's counters to the rows `c`
 */
export function pageStatements(tenant: Tenant, filters: CampaignFilters, window: Window<CampaignKey>, metrics: string): [Statement, Statement] {
  const { where, values } = conditions(tenant, filters);
  const plain = where.length === 1;
  const rows = [...values];
  const param = (value: unknown): string => `$${rows.push(value)}`;
  const after = window.after === null ? '' : ` AND campaign_no < ${param(window.after[0])}`;
  const text = `
    SELECT c.*, ${COUNTERS} FROM (
      SELECT tenant_id, campaign_no, campaign_id, name, type, status, channels, segment_id, start_at, end_at FROM campaigns
       WHERE ${where.join(' AND ')}${after} ORDER BY campaign_no DESC LIMIT ${param(window.limit + 1)}::int OFFSET ${param(window.offset)}::int
    ) c ${metrics} ORDER BY c.campaign_no DESC`;
  const page: Statement = { text, values: rows, ...(plain && { name: window.after === null ? 'campaigns_page' : 'campaigns_after' }) };
  return [page, total(tenant, filters, where, values)];
}

/** A filter by the counted columns costs a few small rows; any other is counted, up to a bound. */
export const isKept = ({ start_date, channel, q }: CampaignFilters): boolean => start_date === undefined && channel === undefined && q === undefined;

function total(tenant: Tenant, filters: CampaignFilters, where: string[], values: unknown[]): Statement {
  if (!isKept(filters)) return { text: boundedTotal(`FROM campaigns WHERE ${where.join(' AND ')}`), values };
  const { status, type } = filters;
  if (status === undefined && type === undefined) return { name: 'campaigns_total', text: keptTotal('campaigns', '$1'), values: [tenant.id] };
  const bucket = `(split_part(bucket, '/', 1) = $2 OR $2 IS NULL) AND (split_part(bucket, '/', 2) = $3 OR $3 IS NULL)`;
  return { text: keptTotal('campaigns', '$1', bucket.replaceAll('$2', '$2::text').replaceAll('$3', '$3::text')), values: [tenant.id, status ?? null, type ?? null] };
}

function conditions(tenant: Tenant, { status, type, start_date, channel, q }: CampaignFilters): { where: string[]; values: unknown[] } {
  const values: unknown[] = [tenant.id];
  const where = ['tenant_id = $1'];
  const param = (value: unknown): string => `$${values.push(value)}`;
  if (status !== undefined) where.push(`status = ${param(status)}`);
  if (type !== undefined) where.push(`type = ${param(type)}`);
  if (start_date !== undefined) {
    where.push(`start_at >= ${param(start_date)}::date::timestamp AT TIME ZONE (SELECT timezone FROM tenant_settings WHERE tenant_id = $1)`);
  }
  // One of three constants, in the text: that is what makes the channel's own index usable.
  if (channel !== undefined) where.push(`'${channel}' = ANY (channels)`);
  if (q !== undefined) where.push(`strpos(lower(name), lower(${param(q)})) > 0`);
  return { where, values };
}

/** The counters of one campaign: `$1` the tenant, `$2` its number. */
export const countersOf = (metrics: string): string => `SELECT ${COUNTERS} FROM campaigns c ${metrics} WHERE c.tenant_id = $1 AND c.campaign_no = $2`;

/** A new campaign, in one statement that is always the same text: creating is a hot path. */
export const INSERT_CAMPAIGN = `
  INSERT INTO campaigns (tenant_id, campaign_no, campaign_id, name, type, status, channels, segment_no, segment_id, segment_name, content, priority,
                         start_at, end_at, schedule_version, promo_id, promo_code, promo_discount, warnings, created_at, updated_at, version, options)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`;

export const insertValues = (campaign: CampaignEntity): unknown[] => [
  campaign.tenantId, campaign.campaignNo, campaign.campaignId, campaign.name, campaign.type, campaign.status, campaign.channels,
  campaign.segmentNo, campaign.segmentId, campaign.segmentName, campaign.content === null ? null : JSON.stringify(campaign.content), campaign.priority,
  campaign.startAt, campaign.endAt, campaign.scheduleVersion, campaign.promoId, campaign.promoCode, campaign.promoDiscount,
  JSON.stringify(campaign.warnings), campaign.createdAt, campaign.updatedAt, campaign.version, JSON.stringify(campaign.options),
];

import type { Channel } from '#tenants';
import { MESSAGE_FAULTS } from './message.js';
import type { MergeField } from './merge-fields.js';
import { placeSql } from './split.js';

/** Why somebody of the audience would not get the message, in the order in which it is asked: the first that holds counts. */
export const PREFLIGHT_REASONS = [
  'already_in_segment', 'excluded', 'window_missed', 'no_address', 'no_consent', 'suppressed', 'frequency_cap', 'holdout', 'duplicate_address', ...MESSAGE_FAULTS,
] as const;
export type PreflightReason = (typeof PREFLIGHT_REASONS)[number];

const ADDRESS: Record<Channel, string> = { email: 'c.email', sms: 'c.phone', push: `coalesce(c.push_subscription->>'endpoint', c.push_subscription->>'fcm_token')` };

/** Of whoever the statistics do not know yet, the planner expects one row, and would compare each member with each customer: of a sub-select's value it knows nothing. */
const OF_TENANT = 'c.tenant_id = (SELECT $1::int)';

/** Columns that templates may print. */
const TEXTS = new Set(['customer_id', 'email', 'phone', 'first_name', 'last_name', 'locale', 'timezone', 'birthday', 'city', 'loyalty_tier', 'loyalty_points']);

export interface Waterfall {
  channel: Channel;
  transactional: boolean;
  /** Whether it is for those alone who enter the segment later. */
  continuous: boolean;
  /** Whether no hour of a day is one in which it may come. */
  never: boolean;
  /** Channels over which the campaign writes first: what they take up counts for the cap. */
  before: readonly Channel[];
  /** SQL of the audience's numbers, and of those in excluded segments; see Segments. */
  members: string;
  excluded: string;
  fields: readonly MergeField[];
}

/**
 * One row for each member: why not, and which fields are missing.
 * $1 tenant, $2 segment, $3 excluded segments, $4 whether the campaign is over, $5 a bit for each number, set for the suppressed, $6 most messages (or null), $7 since when,
 * $8 percent held out, $9 campaign id, from $10 on for each channel before it what $5 is
 */
const judged = ({ channel, transactional, continuous, never, before, members, excluded, fields }: Waterfall): string => `
  WITH contacted AS (
    SELECT d.customer_no, count(*) AS had FROM deliveries d JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = d.campaign_no
     WHERE $6::int IS NOT NULL AND d.tenant_id = $1 AND m.type <> 'transactional'
       AND (d.status = 'accepted' AND d.accepted_at > $7 OR d.status = 'unknown' AND coalesce(d.called_at, m.started_at) > $7)
     GROUP BY d.customer_no HAVING count(*) >= $6::int - ${before.length}),
  judged AS (
    SELECT c.customer_no, ${ADDRESS[channel]} AS address,
           CASE ${continuous ? `WHEN true THEN 'already_in_segment'` : ''}
                WHEN $3::text[] IS NOT NULL AND c.customer_no IN (${excluded}) THEN 'excluded'
                WHEN $4::boolean THEN 'window_missed'
                WHEN ${ADDRESS[channel]} IS NULL THEN 'no_address'
                ${transactional ? '' : `WHEN ${refuses(channel)} THEN 'no_consent'`}
                WHEN ${suppressed('$5')} THEN 'suppressed'
                ${transactional ? '' : `WHEN ${had('$6::int')} THEN 'frequency_cap'`}
                ${never ? `WHEN true THEN 'window_missed'` : ''}
                WHEN $8::float8 > 0 AND ${HELD_OUT} THEN 'holdout'
                ${before.length === 0 ? '' : `WHEN ${usedUp(before)} THEN 'frequency_cap'`} END AS reason
           ${fields.map((field, at) => `, ${missing(field)} AS missing_${at}`).join('')}
      FROM (${members}) member JOIN customers c ON ${OF_TENANT} AND c.customer_no = member.customer_no)`;

/** A list of so many numbers would be gone through for each member, or joined by one process alone. */
const suppressed = (bits: string): string => `CASE WHEN c.customer_no < 8 * octet_length(${bits}::bytea) THEN get_bit(${bits}::bytea, c.customer_no) = 1 ELSE false END`;

/** Whether they had that many messages in the cap's days; looked up in a hash, which a join with the customers might not make. */
const had = (count: string): string => `c.customer_no IN (SELECT customer_no FROM contacted WHERE had >= ${count})`;

/** Whether what the channels before it write fills the cap, together with what came before. */
function usedUp(before: readonly Channel[]): string {
  const written = before.map((channel, at) => `(${ADDRESS[channel]} IS NOT NULL AND NOT ${refuses(channel)} AND NOT ${suppressed(`$${10 + at}`)})::int`);
  return `CASE ${written.join(' + ')} ${before.map((_, at) => `WHEN ${at + 1} THEN $6::int <= ${at + 1} OR ${had(`$6::int - ${at + 1}`)}`).join(' ')} END`;
}

const HELD_OUT = `${placeSql('holdout', '$9', 'c.customer_no')} * 100 < $8::float8`;

/** How many there are of each reason; of those without one, how many addresses (by 64-bit hashes: sorting a million texts takes seconds), and of how many each field is missing. */
export const waterfallSql = (waterfall: Waterfall): string => `${judged(waterfall)}
  SELECT reason, count(*)::int AS customers, (count(DISTINCT hashtextextended(address, 0)) FILTER (WHERE reason IS NULL))::int AS addresses
         ${waterfall.fields.map((_, at) => `, (count(*) FILTER (WHERE missing_${at}))::int AS missing_${at}`).join('')}
    FROM judged GROUP BY reason`;

/** Some of those who would get it. */
export const sampleSql = (waterfall: Waterfall, most: number): string => `${judged(waterfall)} SELECT customer_no FROM judged WHERE reason IS NULL LIMIT ${most}`;

/**
 * The next members by their numbers: those who would be written to, with their addresses, for what only we can hash; `last` is null when there are none.
 * An array is looked up in the order of the index, at a third of the price of a join with the page. $1 tenant, $2 segment, $3 after this number
 */
export const addressesSql = ({ channel, transactional, members }: Waterfall, most: number): string => `
  WITH page AS MATERIALIZED (SELECT customer_no FROM (${members}) member WHERE customer_no > $3 ORDER BY customer_no LIMIT ${most})
  SELECT (SELECT max(customer_no) FROM page) AS last, coalesce(json_agg(c.customer_no), '[]') AS numbers, coalesce(json_agg(${ADDRESS[channel]}), '[]') AS addresses
    FROM customers c WHERE ${OF_TENANT} AND c.customer_no = ANY (ARRAY (SELECT customer_no FROM page)) AND ${ADDRESS[channel]} IS NOT NULL${transactional ? '' : ` AND NOT ${refuses(channel)}`}`;

/** The greatest number of a member; null of none. */
export const lastSql = ({ members }: Waterfall): string => `SELECT max(customer_no) AS last FROM (${members}) member`;

const refuses = (channel: Channel): string => `c.consent_${channel} ${channel === 'email' ? `= 'unsubscribed'` : `<> 'subscribed'`}`;

/** The names are column names of ours, or stand in the text as literals of an identifier's letters alone. */
function missing({ path: [first, ...rest] }: MergeField): string {
  if (first === undefined) return 'true'; // promo_code, of a campaign without
  if (rest.length === 0 && TEXTS.has(first)) return `coalesce(c.${first}::text, '') = ''`;
  if (rest.length === 0 && first === 'tags') return `c.tags = '{}'`;
  if (first === 'attributes' && rest.length > 0) return `coalesce(c.attributes #>> '{${rest.map((name) => `"${name}"`).join(',')}}', '') = ''`;
  return 'true';
}

/** How many of the audience are in other segments, too. $1 tenant, $2 segment, $3 the others */
export const SHARED = `
  SELECT o.segment_no, count(*)::int AS customers FROM segment_members mine
    JOIN segment_members o ON o.tenant_id = $1 AND o.customer_no = mine.customer_no AND o.segment_no = ANY ($3::int[])
   WHERE mine.tenant_id = $1 AND mine.segment_no = $2 GROUP BY o.segment_no`;

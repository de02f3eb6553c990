import { localDay } from '#kernel';
import { type Criteria, DAY, type Leaf, leaves } from './criteria.js';
import type { CompileContext } from './criteria.compile.js';
import { crossedSpans } from './elapsed.js';
import type { Field } from './field.js';
import type { Params } from './params.js';

type Context = Pick<CompileContext, 'params' | 'events'>;

/** The customers of the tenant `$1` for whom it holds. */
const customers = (condition: string): string => `SELECT c.customer_no FROM customers c WHERE c.tenant_id = $1 AND ${condition}`;

/**
 * SQL of the numbers of the customers for whom the passing of time from `from` to `to` can have changed a condition: those whose
 * instants lie where a border swept over. So following time costs as much as there is to follow, not as much as there are customers:
 * each condition is a query of its own, which an index answers.
 *
 * @returns null when there can be none
 */
export function compileCrossed(criteria: Criteria, from: Date, to: Date, timezone: string, context: Context): string | null {
  const queries = [...leaves(criteria)].flatMap((leaf) => crossed(leaf, from, to, timezone, context));
  return queries.length === 0 ? null : queries.join(' UNION ');
}

function crossed(leaf: Leaf, from: Date, to: Date, timezone: string, { params, events }: Context): string[] {
  if (leaf.kind === 'event') {
    const { within } = leaf.event;
    if (within === null) return [];
    return [events!.select(leaf.event, params, { after: new Date(from.getTime() - within), until: new Date(to.getTime() - within), within: null })];
  }
  if (leaf.kind !== 'test' || 'related' in leaf.field || leaf.test.operator === 'exists') return [];
  const { field, test } = leaf;
  if (test.operator === 'in_next_days') return localDay(from, timezone) === localDay(to, timezone) ? [] : [customers(`${field.sql} IS NOT NULL`)];
  if (field.type === 'ratio') return ([test.value].flat() as number[]).map((spans) => overdueSince(field, spans, from, to, params));
  if (field.type !== 'days') return [];
  return crossedSpans(test, from, to).map(({ after, until }) => customers(`${field.sql} > ${params.add(after)}::timestamptz AND ${field.sql} <= ${params.add(until)}::timestamptz`));
}

/**
 * Those of whom so many spans of their own ended between the two moments. No index knows the end for any number of spans; but of those
 * whose span has the same number of whole days, the instants they ended from lie in a range as wide as one day's worth. OFFSET 0 has
 * the index asked once for each such number, which the planner would take for dearer than reading all customers.
 */
function overdueSince({ per }: Field, spans: number, from: Date, to: Date, params: Params): string {
  const [after, until] = [params.add(from), params.add(to)].map((moment) => `${moment}::timestamptz`) as [string, string];
  const length = (days: string): string => `make_interval(secs => ${params.add((spans * DAY) / 1000)}::float8 * ${days})`;
  const end = `c.last_order_at + c.${per} * ${params.add(spans)}::float8`;
  return `SELECT c.customer_no
    FROM (SELECT days, ${after} - ${length('(days + 1)')} AS after, ${until} - ${length('days')} AS until
            FROM generate_series(0, (SELECT max(order_gap_days) FROM customers WHERE tenant_id = $1)) AS days) span
         CROSS JOIN LATERAL (SELECT customer_no, last_order_at, ${per} FROM customers
                              WHERE tenant_id = $1 AND order_gap_days = span.days AND last_order_at > span.after AND last_order_at <= span.until OFFSET 0) c
   WHERE ${end} > ${after} AND ${end} <= ${until}`;
}

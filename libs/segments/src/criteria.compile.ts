import type { Criteria, EventCondition, Leaf, Test, Value } from './criteria.js';
import type { EventSource } from './criteria-fields.js';
import type { AnyField, Field, FieldType } from './field.js';
import { jsonTest } from './json-test.js';
import { daysUntil, elapsedBounds } from './elapsed.js';
import type { Params } from './params.js';
import type { Within } from './scope.js';

/** What a compilation needs besides the criteria. */
export interface CompileContext {
  /** `$1` must be the tenant's id already. */
  params: Params;
  now: Date;
  /** `YYYY-MM-DD` in the tenant's zone. */
  today: string;
  /** The numbers of the segments that the criteria refer to. */
  segmentNos: ReadonlyMap<string, number>;
  events: EventSource | null;
  /** When only some customers are asked about: lets subqueries look at no others. */
  within: Within | null;
}

const CASTS: Partial<Record<FieldType, string>> = { text: 'text', choice: 'text', integer: 'bigint', money: 'bigint', instant: 'timestamptz', date: 'date' };
const COMPARISONS = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/**
 * SQL that holds for the customers `c` who match. Nothing of the input is in the text, only in `params`.
 * A comparison with a missing value is NULL, which neither a WHERE nor IS NOT TRUE takes for true: so AND, OR and
 * negation need no more to give what the language says of missing values.
 */
export function compileCriteria(criteria: Criteria, context: CompileContext): string {
  switch (criteria.kind) {
    case 'all':
    case 'any':
      return `(${criteria.of.map((one) => compileCriteria(one, context)).join(criteria.kind === 'all' ? ' AND ' : ' OR ')})`;
    case 'not':
      return `(${compileCriteria(criteria.of, context)}) IS NOT TRUE`;
    case 'test':
    case 'segment':
    case 'event':
      return compileLeaf(criteria, context);
  }
}

function compileLeaf(leaf: Leaf, context: CompileContext): string {
  switch (leaf.kind) {
    case 'test':
      return negate(leaf.test, fieldTest(leaf.field, leaf.test, context));
    case 'segment':
      return inSegments(leaf.ids, context);
    case 'event':
      return eventTest(leaf.event, context);
  }
}

export const negate = (test: Test, sql: string): string => (test.negated ? `(${sql}) IS NOT TRUE` : sql);

function fieldTest(field: AnyField, test: Test, context: CompileContext): string {
  const { params } = context;
  if ('related' in field) {
    const ids = test.operator === 'exists' ? null : `${params.add([test.value].flat())}::text[]`;
    return field.related({ tenant: '$1', customer: 'c.customer_no', ids });
  }
  if (field.type === 'attribute') return jsonTest(`(${field.sql} -> ${params.add(field.attribute)}::text)`, test, params);
  if (field.type === 'list') {
    return test.operator === 'exists' ? `cardinality(${field.sql}) > 0` : `${field.sql} && ${params.add([test.value].flat())}::text[]`;
  }
  if (test.operator === 'exists') return `${field.per === undefined ? field.sql : `c.${field.per}`} IS NOT NULL`;
  if (field.type === 'ratio') return overdue(field, test, context);
  if (field.type === 'days') return elapsed(field.sql, test, context);
  const own = compare(field.sql, CASTS[field.type]!, test, context);
  return field.others === undefined ? own : `(${own} OR ${otherValue(field.others, CASTS[field.type]!, test, context)})`;
}

/** Of few at most the numbers go as an array, which an index can answer beside the field's own; of who knows how many as a hash table. */
function otherValue({ table, column }: Required<Field>['others'], cast: string, test: Test, context: CompileContext): string {
  const found = `SELECT other.customer_no FROM ${table} other WHERE other.tenant_id = $1 AND ${compare(`other.${column}`, cast, test, context)}`;
  return test.operator === 'eq' || test.operator === 'in' ? `c.customer_no = ANY (ARRAY (${found}))` : `c.customer_no IN (${found})`;
}

function compare(sql: string, cast: string, { operator, value }: Test, { params, today }: CompileContext): string {
  switch (operator) {
    case 'in':
      return `${sql} = ANY(${params.add(value)}::${cast}[])`;
    case 'between': {
      const [low, high] = value as unknown[];
      return `${sql} BETWEEN ${params.add(low)}::${cast} AND ${params.add(high)}::${cast}`;
    }
    case 'contains':
      return `position(${params.add(value)}::text IN ${sql}) > 0`;
    case 'starts_with':
      return `starts_with(${sql}, ${params.add(value)}::text)`;
    case 'in_next_days':
      return `to_char(${sql}, 'MM-DD') = ANY(${params.add(daysUntil(today, value as number))}::text[])`;
    case 'exists':
      return `${sql} IS NOT NULL`;
    case 'eq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return `${sql} ${COMPARISONS[operator]} ${params.add(value)}::${cast}`;
  }
}

/** Days ago as a range of instants, which an index on the column can answer. */
function elapsed(sql: string, test: Test, { params, now }: CompileContext): string {
  const ranges = elapsedBounds(test, now).map(({ after, until }) => {
    const bounds = [until && `${sql} <= ${params.add(until)}::timestamptz`, after && `${sql} > ${params.add(after)}::timestamptz`].filter(Boolean);
    return bounds.length === 0 ? `${sql} IS NOT NULL` : bounds.join(' AND ');
  });
  if (ranges.length === 0) return 'FALSE';
  return ranges.length === 1 ? ranges[0]! : `(${ranges.map((range) => `(${range})`).join(' OR ')})`;
}

/** The time since an instant in spans of the customer's own, as the instant that so many spans end at. */
function overdue({ sql, per }: Field, { operator, value }: Test, { params, now }: CompileContext): string {
  const ends = (spans: unknown, comparison: string): string => `${sql} + c.${per} * ${params.add(spans)}::float8 ${comparison} ${params.add(now)}::timestamptz`;
  if (operator === 'between') {
    const [low, high] = value as [Value, Value];
    return `(${ends(low, '<=')} AND ${ends(high, '>=')})`;
  }
  return ends(value, { gt: '<', gte: '<=', lt: '>', lte: '>=' }[operator as 'gt']);
}

function inSegments(ids: string[], { params, segmentNos, within }: CompileContext): string {
  const numbers = ids.flatMap((id) => segmentNos.get(id) ?? []);
  const scoped = within === null ? '' : ` AND ${within('m.customer_no')}`;
  return `c.customer_no IN (SELECT m.customer_no FROM segment_members m WHERE m.tenant_id = $1 AND m.segment_no = ANY(${params.add(numbers)}::int[])${scoped})`;
}

/** Those with events are grouped and counted; a count that zero passes is told by who fails it, since who has no event is in no group. */
function eventTest(event: EventCondition, context: CompileContext): string {
  const { params, now, within } = context;
  const after = event.within === null ? null : new Date(now.getTime() - event.within);
  const rows = context.events!.select(event, params, { after, until: null, within });
  const counted = event.count.map((test) => negate(test, compare('count(*)', 'bigint', test, context))).join(' AND ');
  const zeroPasses = event.count.every(passesZero);
  const having = zeroPasses ? `NOT (${counted})` : counted;
  return `c.customer_no ${zeroPasses ? 'NOT IN' : 'IN'} (SELECT customer_no FROM (${rows}) happened GROUP BY customer_no HAVING ${having})`;
}

/** Whether a count of 0 passes. */
export function passesZero({ operator, value, negated }: Test): boolean {
  const [first, second] = [value].flat() as number[];
  const passes = {
    eq: first === 0, gt: 0 > first!, gte: 0 >= first!, lt: 0 < first!, lte: 0 <= first!,
    between: first! <= 0 && 0 <= (second ?? -1),
    in: [value].flat().includes(0),
  }[operator as 'eq'];
  return passes !== negated;
}

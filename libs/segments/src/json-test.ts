import type { Test } from './criteria.js';
import type { Params } from './params.js';

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/**
 * SQL of a test over a jsonb value: equal means equal as JSON; an order only between two numbers or two texts (by bytes); a list contains its elements, a text its parts.
 * A value of another type, JSON null and, as of `tags`, a list of nothing are as missing. `negated` is left to the caller.
 *
 * @param sql of the jsonb value
 */
export function jsonTest(sql: string, { operator, value }: Test, params: Params): string {
  const text = `(${sql} #>> '{}')`;
  const isText = `jsonb_typeof(${sql}) = 'string'`;
  switch (operator) {
    case 'exists':
      return `${sql} NOT IN ('null', '[]')`;
    case 'eq':
      return `${sql} = ${params.add(JSON.stringify(value))}::jsonb`;
    case 'in':
      return `${sql} = ANY(${params.add((value as unknown[]).map((one) => JSON.stringify(one)))}::jsonb[])`;
    case 'starts_with':
      return `(${isText} AND starts_with(${text}, ${params.add(value)}::text))`;
    case 'contains':
      return `CASE jsonb_typeof(${sql}) WHEN 'string' THEN position(${params.add(value)}::text IN ${text}) > 0 WHEN 'array' THEN ${sql} ? ${params.add(value)}::text END`;
    case 'between': {
      const [low, high] = value as [unknown, unknown];
      return `(${ordered(sql, '>=', low, params)} AND ${ordered(sql, '<=', high, params)})`;
    }
    case 'in_next_days':
      throw new Error('JSON knows no dates');
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return ordered(sql, COMPARISONS[operator], value, params);
  }
}

function ordered(sql: string, comparison: string, value: unknown, params: Params): string {
  if (typeof value === 'string') {
    return `(jsonb_typeof(${sql}) = 'string' AND (${sql} #>> '{}') COLLATE "C" ${comparison} ${params.add(value)}::text)`;
  }
  const type = typeof value === 'boolean' ? 'boolean' : 'number';
  return `(jsonb_typeof(${sql}) = '${type}' AND ${sql} ${comparison} ${params.add(JSON.stringify(value))}::jsonb)`;
}

import type { Field } from './field.js';
import type { Params } from './params.js';

/** How many customers have a value. */
export interface ValueCount {
  value: string | number | boolean;
  size: number;
}

/** What values are counted of: a field, or anything that is read off a customer like one. */
export type Counted = Pick<Field, 'type' | 'sql' | 'attribute'>;

/** A field's most frequent values. */
export interface FieldCounts {
  values: ValueCount[];
  /** Customers under further values. A customer with several values, such as tags, counts under each. */
  other: number;
  missing: number;
}

interface CountRow {
  field: number;
  /** Null: of all further values, or `missing`. */
  value: ValueCount['value'] | null;
  missing: boolean;
  size: number;
}

/**
 * SQL of the most frequent values of some fields over customers `c`, and how many customers there are, in one pass: customers alike in
 * all of these fields are counted first, and the few kinds that there are then taken apart.
 *
 * @param customers `FROM customers c WHERE …`
 * @param containing only values with this text in them, in upper or lower case
 * @returns SQL with one row: `size` and `counts`, a JSON list for {@link readCounts}
 */
export function countValues(fields: readonly Counted[], customers: string, top: number, params: Params, containing?: string): string {
  const value = (field: Counted): string => (field.type === 'attribute' ? `${field.sql} -> ${params.add(field.attribute)}::text` : field.sql);
  return `
    WITH kinds AS MATERIALIZED (SELECT ${fields.map((field, at) => `${value(field)} AS v${at}, `).join('')}count(*) AS n ${customers} GROUP BY ${fields.map((_, at) => at + 1).join(', ')}),
    counted AS (
      SELECT field, nullif(one, 'null'::jsonb) AS value, sum(n) AS n
        FROM kinds CROSS JOIN LATERAL (${fields.map((_, at) => `SELECT ${at} AS field, to_jsonb(v${at}) AS json`).join(' UNION ALL ')}) has
             CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN json = '[]' THEN '[null]' WHEN jsonb_typeof(json) = 'array' THEN json ELSE jsonb_build_array(json) END) one
       ${containing === undefined ? '' : `WHERE position(lower(${params.add(containing)}::text) IN lower(one #>> '{}')) > 0`}
       GROUP BY 1, 2),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY field ORDER BY value IS NULL, n DESC, value) <= ${params.add(top)}::int AS shown FROM counted),
    told AS (SELECT field, CASE WHEN shown THEN value END AS value, value IS NULL AS missing, sum(n) AS size FROM ranked GROUP BY 1, 2, 3)
    SELECT coalesce((SELECT sum(n) FROM kinds), 0)::int AS size, coalesce(json_agg(told ORDER BY size DESC, value), '[]') AS counts FROM told`;
}

/** What {@link countValues} answered, for one of its fields. */
export function readCounts(counts: readonly CountRow[], field: number): FieldCounts {
  const own = counts.filter((row) => row.field === field);
  const of = (missing: boolean): number => own.find((row) => row.value === null && row.missing === missing)?.size ?? 0;
  return { values: own.flatMap(({ value, size }) => (value === null ? [] : [{ value, size }])), other: of(false), missing: of(true) };
}

export type { CountRow };

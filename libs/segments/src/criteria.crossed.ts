import { type Criteria, leaves } from './criteria.js';
import type { CompileContext } from './criteria.compile.js';
import { crossedSpans, dateIn } from './elapsed.js';

/**
 * SQL that holds for the customers `c` for whom the passing of time from `from` to `to` can have changed a condition: those whose
 * instants lie where a border swept over. So following time costs as much as there is to follow, not as much as there are customers.
 *
 * @returns null when there can be none
 */
export function compileCrossed(criteria: Criteria, from: Date, to: Date, timezone: string, { params, events }: Pick<CompileContext, 'params' | 'events'>): string | null {
  const conditions = [...leaves(criteria)].flatMap((leaf): string[] => {
    if (leaf.kind === 'event') {
      const { within } = leaf.event;
      if (within === null) return [];
      const span = { after: new Date(from.getTime() - within), until: new Date(to.getTime() - within), within: null };
      return [`c.customer_no IN (${events!.select(leaf.event, params, span)})`];
    }
    if (leaf.kind !== 'test' || 'related' in leaf.field || leaf.test.operator === 'exists') return [];
    const { field, test } = leaf;
    if (test.operator === 'in_next_days') return dateIn(timezone, from) === dateIn(timezone, to) ? [] : [`${field.sql} IS NOT NULL`];
    if (field.type !== 'days') return [];
    return crossedSpans(test, from, to).map(({ after, until }) => `(${field.sql} > ${params.add(after)}::timestamptz AND ${field.sql} <= ${params.add(until)}::timestamptz)`);
  });
  return conditions.length === 0 ? null : conditions.join(' OR ');
}

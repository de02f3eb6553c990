import type { Params } from './params.js';

/** Customers to look at: some, a range of numbers (both ends included), or everyone. */
export type Scope = readonly number[] | { from: number; to: number } | 'everyone';

/** SQL that holds where the column has the number of one of them. */
export type Within = (column: string) => string;

/**
 * A scope in SQL. Single customers become rows of a table of their own, which the statement's WITH must name: as a list of ten thousand
 * in each condition they would be estimated once for each partition of the events: 0.8 s of planning for each such condition.
 */
export function within(scope: Exclude<Scope, 'everyone'>, params: Params): { tables: readonly string[]; within: Within } {
  if ('from' in scope) {
    const [from, to] = [params.add(scope.from), params.add(scope.to)];
    return { tables: [], within: (column) => `${column} BETWEEN ${from}::int AND ${to}::int` };
  }
  return { tables: [`looked_at AS MATERIALIZED (SELECT unnest(${params.add(scope)}::int[]) AS customer_no)`], within: (column) => `${column} IN (SELECT customer_no FROM looked_at)` };
}

/** More than so many customers are looked at by looking at everyone. */
const WIDEST = 100_000;

/** All of these; the ranges among them must be one and the same, and hold the customers beside it. */
export function union(scopes: readonly Scope[]): Scope {
  if (scopes.includes('everyone')) return 'everyone';
  const range = scopes.find((scope) => typeof scope === 'object' && 'from' in scope);
  if (range !== undefined) return range;
  const all = new Set((scopes as (readonly number[])[]).flat());
  return all.size > WIDEST ? 'everyone' : [...all].sort((a, b) => a - b);
}

export const isNobody = (scope: Scope): boolean => Array.isArray(scope) && scope.length === 0;

import type { AnyField, FieldType } from './field.js';
import type { CoreOperator } from './operators.js';

/** What the criteria language means, once parsed: every name resolved, every value typed. */
export type Criteria =
  | { kind: 'all'; of: Criteria[] }
  | { kind: 'any'; of: Criteria[] }
  | { kind: 'not'; of: Criteria }
  | Leaf;

/** One condition. */
export type Leaf =
  | { kind: 'test'; field: AnyField; test: Test }
  | { kind: 'segment'; ids: string[] }
  | { kind: 'event'; event: EventCondition };

/** Money in minor units, instants as Date, dates as `YYYY-MM-DD`; `between` holds two, `in` any number. */
export type Value = string | number | boolean | Date;

export interface Test {
  operator: CoreOperator;
  value: Value | Value[];
  negated: boolean;
}

/** So many events of a type, of which each passes every test of `where`. */
export interface EventCondition {
  name: string;
  /** First step `properties` or `order`; of a `list` each element is tested. */
  where: { path: string[]; type: FieldType; test: Test }[];
  /** All must hold of the number of matching events. */
  count: Test[];
  /** Milliseconds back from now; null: ever. */
  within: number | null;
}

export const DAY = 86_400_000;

/** Every condition of the tree, whatever stands around it. */
export function* leaves(criteria: Criteria): Generator<Leaf> {
  if (criteria.kind === 'not') yield* leaves(criteria.of);
  else if (criteria.kind !== 'all' && criteria.kind !== 'any') yield criteria;
  else for (const one of criteria.of) yield* leaves(one);
}

/** Ids of the segments that the criteria refer to. */
export const references = (criteria: Criteria): string[] => [...leaves(criteria)].flatMap((leaf) => (leaf.kind === 'segment' ? leaf.ids : []));

/** Whether who matches depends on where the tenant's days begin. */
export const dependsOnZone = (criteria: Criteria): boolean => [...leaves(criteria)].some((leaf) => leaf.kind === 'test' && leaf.test.operator === 'in_next_days');

/** Whether time alone can change who matches. */
export const movesWithTime = (criteria: Criteria): boolean =>
  [...leaves(criteria)].some(
    (leaf) =>
      (leaf.kind === 'test' && (leaf.field.type === 'days' || leaf.field.type === 'ratio' || leaf.test.operator === 'in_next_days') && leaf.test.operator !== 'exists') ||
      (leaf.kind === 'event' && leaf.event.within !== null),
  );

/** The operators of the language. */
export const OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'nin', 'contains', 'starts_with', 'exists', 'in_next_days'] as const;
export type Operator = (typeof OPERATORS)[number];

/** What is left of them after parsing: `ne` and `nin` are negated `eq` and `in`, so that a missing value passes them as it passes `not`. */
export type CoreOperator = Exclude<Operator, 'ne' | 'nin'>;

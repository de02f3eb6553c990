/** The operators of the language. */
export const OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'nin', 'contains', 'starts_with', 'exists', 'in_next_days'] as const;
export type Operator = (typeof OPERATORS)[number];

/** What is left of them after parsing: `ne` and `nin` are negated `eq` and `in`, so that a missing value passes them as it passes `not`. */
export type CoreOperator = Exclude<Operator, 'ne' | 'nin'>;

/** What stands behind an operator. */
export const OPERAND_SHAPES = ['value', 'list', 'pair', 'text', 'boolean', 'days'] as const;
export type OperandShape = (typeof OPERAND_SHAPES)[number];

export const SHAPE_OF: Readonly<Record<Operator, OperandShape>> = {
  eq: 'value', ne: 'value', gt: 'value', gte: 'value', lt: 'value', lte: 'value', between: 'pair', in: 'list', nin: 'list',
  contains: 'text', starts_with: 'text', exists: 'boolean', in_next_days: 'days',
};

/** As a form reads: field, operator, value. */
export const OPERATOR_LABELS: Readonly<Record<Operator, string>> = {
  eq: 'is', ne: 'is not', gt: 'is more than', gte: 'is at least', lt: 'is less than', lte: 'is at most', between: 'is between', in: 'is one of', nin: 'is none of',
  contains: 'contains', starts_with: 'starts with', exists: 'is known', in_next_days: 'comes within days',
};

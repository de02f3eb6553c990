import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Operator } from './operators.js';

/** A name that criteria may test. */
export interface Field {
  name: string;
  /** What a form calls it. */
  label: string;
  group: FieldGroup;
  type: FieldType;
  description: string;
  /** Few values, which many customers share: what a segment can be broken down by, and whose values can be suggested. */
  categorical?: boolean;
  /** Every customer has it. */
  always?: boolean;
  /** The values of a `choice`. */
  values?: readonly string[];
  /** How its texts are spelled where they are stored, when there is one spelling: what they are compared with is spelled alike. */
  spelling?: Spelling;
  /** SQL of the value, over a row `c` of customers; of an `attribute`, the JSON object that holds it. Trusted text: never built from input. */
  sql: string;
  /** Where further values of a customer are, each as good as the field's own: a table with `tenant_id` and `customer_no`. */
  others?: { table: string; column: string };
  /** Of a `ratio`: the column of the interval that the time since the instant is measured in. */
  per?: string;
  /** Which attribute. */
  attribute?: string;
}

export interface Spelling {
  /** What a fault says was expected. */
  expects: string;
  /** Takes some ten microseconds. */
  slow?: boolean;
  /** The one spelling; null when the text is no such thing. */
  whole(text: string): string | null;
  /** Of what such a text begins with or contains. */
  part(text: string): string;
}

/** What a higher domain knows of customers as sets of ids, such as the campaigns that each has opened. */
export interface RelationField extends Omit<Field, 'sql'> {
  type: 'relation';
  /** Whose ids it takes. */
  references: 'campaigns';
  /** Those of the ids that exist. */
  known(tx: EntityManager, tenant: Tenant, ids: readonly string[]): Promise<string[]>;
  /** What it is told of an id that does not. */
  unknown: { code: string; detail: string };
  /**
   * SQL that holds for a customer who is related to any of the ids.
   *
   * @param sql placeholders or columns: the tenant's id, the customer's number, and a text[] of ids (null: related to anything at all)
   */
  related(sql: { tenant: string; customer: string; ids: string | null }): string;
}

/** Where a form shows it. */
export const FIELD_GROUPS = ['profile', 'consent', 'orders', 'time', 'campaigns'] as const;
export type FieldGroup = (typeof FIELD_GROUPS)[number];

export type AnyField = Field | RelationField;

const EQUALITY = ['eq', 'ne', 'in', 'nin'] as const;
const ORDER = ['gt', 'gte', 'lt', 'lte', 'between'] as const;
const SUBSTRING = ['contains', 'starts_with'] as const;

/** Which operators each type takes; `days` counts elapsed 24-hour periods since an instant, a `ratio` the time since one in spans of the customer's own. */
export const OPERATORS_OF = {
  text: [...EQUALITY, ...SUBSTRING, 'exists'],
  choice: EQUALITY,
  integer: [...EQUALITY, ...ORDER, 'exists'],
  number: [...EQUALITY, ...ORDER, 'exists'],
  money: [...EQUALITY, ...ORDER, 'exists'],
  days: [...EQUALITY, ...ORDER, 'exists'],
  ratio: [...ORDER, 'exists'],
  instant: [...EQUALITY, ...ORDER, 'exists'],
  date: [...EQUALITY, ...ORDER, 'exists', 'in_next_days'],
  list: [...EQUALITY, 'contains', 'exists'],
  attribute: [...EQUALITY, ...ORDER, ...SUBSTRING, 'exists'],
  relation: [...EQUALITY, 'exists'],
} as const satisfies Record<string, readonly Operator[]>;

export type FieldType = keyof typeof OPERATORS_OF;
export const FIELD_TYPES = Object.keys(OPERATORS_OF) as FieldType[];

/** A test of each type, for who has not written any yet. */
export const EXAMPLES_OF: Readonly<Record<FieldType, object>> = {
  text: { contains: 'an' },
  choice: {},
  integer: { gte: 3 },
  number: { gte: 2.5 },
  money: { gte: 500 },
  days: { gte: 30 },
  ratio: { gte: 1.5 },
  instant: { gte: '2026-01-01T00:00:00Z' },
  date: { in_next_days: 7 },
  list: { contains: 'vip' },
  attribute: { eq: 'margherita' },
  relation: { exists: true },
};

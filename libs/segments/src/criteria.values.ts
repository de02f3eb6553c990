import { isCalendarDate, isInstant } from '#http';
import { isObject, toMinor } from '#kernel';
import type { Value } from './criteria.js';
import type { FieldType } from './field.js';

/** A hundred years: no customer goes back further, and PostgreSQL's timestamps reach that far. */
export const MAX_DAYS = 36_500;

/** Beyond, nobody is overdue but gone; and a hundred times the longest gap still ends within PostgreSQL's timestamps. */
const MAX_RATIO = 100;

/** How a type reads a value from JSON. */
interface ValueType {
  /** What a fault says is expected. */
  expects: string;
  /** Null: not of this type. */
  read(value: unknown, of: { currency: string; values?: readonly string[] }): Value | null;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export const VALUE_TYPES: Readonly<Record<FieldType, ValueType>> = {
  text: { expects: 'a text', read: text },
  list: { expects: 'a text', read: text },
  relation: { expects: 'an id', read: text },
  choice: { expects: 'one of the field’s values', read: (value, { values }) => (typeof value === 'string' && values?.includes(value) ? value : null) },
  integer: { expects: 'a whole number', read: (value) => (isWhole(value) ? value : null) },
  number: { expects: 'a number', read: (value) => (typeof value === 'number' ? value : null) },
  days: { expects: `a whole number of days, 0 to ${MAX_DAYS}`, read: (value) => (isWhole(value) && value >= 0 && value <= MAX_DAYS ? value : null) },
  ratio: { expects: `a number from 0 to ${MAX_RATIO}, of at most two decimals`, read: (value) => (typeof value === 'number' && value >= 0 && value <= MAX_RATIO && Math.round(value * 100) / 100 === value ? value : null) },
  money: { expects: 'an amount with no more decimals than the currency has', read: (value, { currency }) => (typeof value === 'number' ? toMinor(value, currency) : null) },
  instant: { expects: 'an instant such as "2026-01-31T12:00:00Z"', read: (value) => (isInstant(value) ? new Date(value.toUpperCase()) : null) },
  date: { expects: 'a date such as "2026-01-31"', read: (value) => (isCalendarDate(value) ? value : null) },
  attribute: { expects: 'a text, a number or a boolean', read: (value) => (value === null || isObject(value) || Array.isArray(value) || value === undefined ? null : (value as Value)) },
};

/** How the language orders two values of one type: texts by their UTF-8 bytes (as `COLLATE "C"` does), the rest by magnitude. */
export const compareValues = (a: Value, b: Value): number =>
  typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : Number(a) - Number(b);

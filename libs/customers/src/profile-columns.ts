import type { CustomerProfile } from './profile.js';

/** What profiles travel as to PostgreSQL: an array a column, which it reads in half the time that JSON takes it, and whose length the planner knows. */
const TYPES = {
  customer_no: 'int', customer_id: 'text', email: 'text', phone: 'text', first_name: 'text', last_name: 'text', locale: 'text', timezone: 'text', birthday: 'date',
  city: 'text', loyalty_tier: 'text', loyalty_points: 'int', tags: 'text', attributes: 'jsonb', push_subscription: 'jsonb',
  consent_email: 'text', consent_sms: 'text', consent_push: 'text', consents: 'jsonb', version: 'int',
} as const satisfies Record<keyof CustomerProfile, string>;

const COLUMNS = Object.keys(TYPES) as (keyof CustomerProfile)[];

/** SQL of the rows, called `profile`; the arrays are the parameters from `$first` on. Arrays within arrays would all have to be of one length, so tags travel as text. */
export const profilesFrom = (first: number): string => `
  (SELECT ${COLUMNS.map((column) => (column === 'tags' ? 'tags::text[]' : column)).join(', ')}
     FROM unnest(${COLUMNS.map((column, index) => `$${first + index}::${TYPES[column]}[]`).join(', ')}) AS sent (${COLUMNS.join(', ')})) AS profile`;

/** The arrays, the numbers first. */
export const profileColumns = (profiles: readonly CustomerProfile[]): unknown[][] =>
  COLUMNS.map((column) => profiles.map((profile) => (column === 'tags' ? arrayText(profile.tags) : TYPES[column] === 'jsonb' ? jsonText(profile[column]) : profile[column])));

const jsonText = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** As PostgreSQL writes arrays (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). */
const arrayText = (texts: readonly string[]): string => `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

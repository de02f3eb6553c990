import { type Criteria, DAY, type Test, type Value } from './criteria.js';
import { compareValues } from './criteria.values.js';
import { daysUntil } from './elapsed.js';
import type { Field } from './field.js';

/** A customer as plain values, by field name: money in minor units, instants as Date, dates as text; `days` and `ratio` fields hold their instant, the span of the latter is in milliseconds. */
export interface Person {
  fields: Record<string, Value | null | undefined>;
  /** Ids of the duplicates that were merged into the customer. */
  aliases: string[];
  tags: string[];
  attributes: Record<string, unknown>;
  segments: string[];
  events: { type: string; at: Date; data: unknown }[];
}

/** What the language means, said once more and plainly: the compiled SQL is held against it. */
export function matches(criteria: Criteria, person: Person, now: Date, today: string): boolean {
  switch (criteria.kind) {
    case 'all':
      return criteria.of.every((one) => matches(one, person, now, today));
    case 'any':
      return criteria.of.some((one) => matches(one, person, now, today));
    case 'not':
      return !matches(criteria.of, person, now, today);
    case 'segment':
      return criteria.ids.some((id) => person.segments.includes(id));
    case 'event': {
      const { name, where, count, within } = criteria.event;
      const found = person.events.filter(
        ({ type, at, data }) => type === name && (within === null || now.getTime() - at.getTime() < within) && where.every(({ path, type, test }) => holds(test, reach(data, path).flatMap((one) => (type === 'list' ? (one as Value[]) : [scalar(one)])), today)),
      );
      return count.every((test) => holds(test, [found.length], today));
    }
    case 'test': {
      const { field, test } = criteria;
      if (field.type === 'list') return holds(test, person.tags, today);
      if (field.type === 'attribute') return holds(test, [scalar(person.attributes[field.attribute!])], today);
      const value = person.fields[field.name] ?? null;
      if (value !== null && field.type === 'days') return holds(test, [Math.max(0, Math.floor((now.getTime() - Number(value)) / DAY))], today);
      if (field.type === 'ratio') return holds(test, [ratio(person, field, now)], today);
      return holds(test, field.name === 'customer_id' ? [value, ...person.aliases] : [value], today);
    }
  }
}

function ratio({ fields }: Person, { name, per }: Field, now: Date): number | null {
  const [at, span] = [fields[name], fields[per!]];
  return at && span ? (now.getTime() - Number(at)) / Number(span) : null;
}

type Given = Value | null | unknown[];

/** Lists stay lists (they can contain); other structures are no values of the language, yet they exist. */
const scalar = (value: unknown): Given => (value === undefined || value === null ? null : (value as Given));

/** A step into a list goes into each of its elements. */
function reach(value: unknown, path: string[]): unknown[] {
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((one) => reach(one, path));
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? reach((value as Record<string, unknown>)[step], rest) : [];
}

const holds = (test: Test, values: Given[], today: string): boolean => values.some((value) => value !== null && passes(test, value, today)) !== test.negated;

function passes({ operator, value: wanted }: Test, value: Value | unknown[], today: string): boolean {
  const all = [wanted].flat();
  if (operator === 'exists') return !Array.isArray(value) || value.length > 0;
  if (operator === 'contains') return typeof value === 'string' || Array.isArray(value) ? value.includes(wanted as string) : false;
  if (operator === 'in_next_days') return daysUntil(today, wanted as number).includes((value as string).slice(5));
  if (operator === 'starts_with') return typeof value === 'string' && value.startsWith(wanted as string);
  if (Array.isArray(value) || typeof value !== typeof all[0]) return operator === 'in' ? all.some((one) => one === value) : false;
  const [low, high] = all.map((one) => compareValues(value, one)) as [number, number];
  switch (operator) {
    case 'eq':
      return low === 0;
    case 'in':
      return all.some((one) => typeof one === typeof value && compareValues(value, one) === 0);
    case 'gt':
      return low > 0;
    case 'gte':
      return low >= 0;
    case 'lt':
      return low < 0;
    case 'lte':
      return low <= 0;
    case 'between':
      return low >= 0 && high <= 0;
  }
}

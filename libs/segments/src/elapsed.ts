import { DAY, type Test } from './criteria.js';

/** Instants after the one (exclusive) and up to the other (inclusive); null: without end. */
export interface Span {
  after: Date | null;
  until: Date | null;
}

/**
 * Which instants a `days` test takes, at `now`. Elapsed periods are whole: n of them have passed since `now − (n+1) days`
 * (exclusive) up to `now − n days` (inclusive). An instant still ahead, by a clock that is, is of now: none have passed.
 */
export function elapsedBounds({ operator, value }: Test, now: Date): Span[] {
  const values = [value].flat() as number[];
  const [first, second] = values as [number, number];
  const ago = (days: number): Date => new Date(now.getTime() - days * DAY);
  const least = (days: number): Date | null => (days === 0 ? null : ago(days));
  const most = (days: number): Date => ago(days + 1);
  switch (operator) {
    case 'gt':
      return [{ after: null, until: least(first + 1) }];
    case 'gte':
      return [{ after: null, until: least(first) }];
    case 'lt':
      return first === 0 ? [] : [{ after: most(first - 1), until: null }];
    case 'lte':
      return [{ after: most(first), until: null }];
    case 'between':
      return [{ after: most(second), until: least(first) }];
    case 'eq':
    case 'in':
      return values.map((days) => ({ after: most(days), until: least(days) }));
    case 'contains':
    case 'starts_with':
    case 'exists':
    case 'in_next_days':
      return [];
  }
}

/** The spans whose instants pass a border of the test between two moments: who was on one side then may be on the other now. */
export const crossedSpans = ({ value }: Test, from: Date, to: Date): Span[] =>
  ([value].flat() as number[]).flatMap((days) =>
    [days, days + 1].map((border) => ({ after: new Date(from.getTime() - border * DAY), until: new Date(to.getTime() - border * DAY) })),
  );

/** `MM-DD` of today and the `days` after it. A birthday of 29 February is kept on the 28th where the year has no 29th. */
export function daysUntil(today: string, days: number): string[] {
  const start = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: days + 1 }, (_, offset) => new Date(start + offset * DAY)).flatMap((date) => {
    const day = date.toISOString().slice(5, 10);
    const lastOfFebruary = day === '02-28' && new Date(date.getTime() + DAY).getUTCDate() === 1;
    return lastOfFebruary ? [day, '02-29'] : [day];
  });
}

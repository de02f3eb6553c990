import { addDays, daysBetween, localDay, startOfDay, validationFailed } from '#kernel';

/** What a funnel looks at when no dates are given. */
const DEFAULT_DAYS = 30;
const MAX_DAYS = 5 * 366;

/** Whole days of the tenant's zone, both included, and the instants they span: `from` inclusive, `until` exclusive. */
export interface FunnelPeriod {
  start: string;
  end: string;
  from: Date;
  until: Date;
}

/**
 * The period a caller asks for. Without an end it ends today, without a start it has 30 days.
 *
 * @throws RequestError validation_failed when it ends before it starts, or exceeds five years
 */
export function funnelPeriod(given: { start_date?: string; end_date?: string }, now: Date, zone: string): FunnelPeriod {
  const end = given.end_date ?? localDay(now, zone);
  const start = given.start_date ?? addDays(end, 1 - DEFAULT_DAYS);
  const parameter = given.end_date === undefined ? 'start_date' : 'end_date';
  const days = daysBetween(start, end) + 1;
  if (days < 1) throw validationFailed([{ parameter, code: 'reversed', detail: `The period ends (${end}) before it starts (${start}).` }]);
  if (days > MAX_DAYS) throw validationFailed([{ parameter, code: 'period_too_long', detail: `A period may have ${MAX_DAYS} days; this one has ${days}.` }]);
  return { start, end, from: startOfDay(start, zone), until: startOfDay(addDays(end, 1), zone) };
}

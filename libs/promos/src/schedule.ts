import { wallClock } from './wall-clock.js';

/** Hours at which a promo holds, by the wall clock of a place. */
export interface Schedule {
  /** Days on which a window begins; every day when absent. */
  days?: Weekday[];
  /** `HH:MM`; both or neither. `to` before `from` is on the next morning. */
  from?: string;
  to?: string;
  /** IANA name; the tenant's when absent. */
  timezone?: string;
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Whether the instant is within the schedule. A window across midnight belongs to the day it began on: Friday 22:00-02:00 holds on Saturday at 01:00. */
export function isWithin(schedule: Schedule, at: Date, zone: string): boolean {
  const { weekday: day, time } = wallClock(at, schedule.timezone ?? zone);
  const runs = (weekday: number): boolean => schedule.days === undefined || schedule.days.includes(WEEKDAYS[(weekday + 7) % 7]!);
  const { from, to } = schedule;
  if (from === undefined || to === undefined) return runs(day);
  if (from < to) return runs(day) && from <= time && time < to;
  return (runs(day) && time >= from) || (runs(day - 1) && time < to);
}

/** Calendar days in a tenant's zone. A day is a text `YYYY-MM-DD`: such texts compare like the days they name. */

const HOUR = 3_600_000;
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** The day that a calendar on the wall in `zone` (an IANA name) shows at the instant. */
export function localDay(at: Date, zone: string): string {
  let format = FORMATS.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
    FORMATS.set(zone, format); // building one costs a hundred times what using it does
  }
  return format.format(at);
}

/**
 * The instant at which the day begins in `zone`: the first that its calendars show as that day. Mostly 00:00, but a clock
 * that springs forward at midnight begins the day at 01:00 (Cairo), and one that falls back to it shows 00:00 twice (Havana),
 * of which the first counts; so a day may have 23 or 25 hours. Found by bisection, to the millisecond: offsets lie within −12..+14 h.
 */
export function startOfDay(day: string, zone: string): Date {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  let before = midnight - 16 * HOUR;
  let within = midnight + 16 * HOUR;
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2);
    if (localDay(new Date(middle), zone) < day) before = middle;
    else within = middle;
  }
  return new Date(within);
}

/** The day so many days later; earlier when negative. */
export const addDays = (day: string, days: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);

/** Days from one day to another; 0 on the same. */
export const daysBetween = (from: string, to: string): number => (Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / (24 * HOUR);

/** Calendar days in a tenant's zone, as texts `YYYY-MM-DD`, which compare like the days they name. */

const HOUR = 3_600_000;
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** The calendar day in `zone` (an IANA name) at the instant. */
export function localDay(at: Date, zone: string): string {
  let format = FORMATS.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
    FORMATS.set(zone, format); // building one costs a hundred times as much as using it
  }
  return format.format(at);
}

/**
 * The instant at which the day begins in `zone`: the first that belongs to it. Usually 00:00, but if clocks spring forward at midnight
 * the day begins at 01:00 (Cairo), and if they fall back to midnight, 00:00 comes twice (Havana) and the first counts; so a day may have
 * 23 or 25 hours. Found by bisection, to the millisecond: offsets lie within −12..+14 h.
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

/** The day that many days later; earlier if negative. */
export const addDays = (day: string, days: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);

/** The number of days from one day to another; 0 for the same day. */
export const daysBetween = (from: string, to: string): number => (Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / (24 * HOUR);

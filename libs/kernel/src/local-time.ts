/** Times of day as a clock on the wall shows them: `HH:MM`, which compare like the times they name. */

const MINUTE = 60_000;
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall in `zone` (an IANA name) shows at the instant, from `00:00` to `23:59`. */
export function localTime(at: Date, zone: string): string {
  let format = FORMATS.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    FORMATS.set(zone, format); // building one costs a hundred times what using it does
  }
  return format.format(at);
}

/** Hours of a day, from `from` to just before `to`; where `to` comes first they run across midnight. */
export interface Hours {
  from: string;
  to: string;
}

export const isWithin = (time: string, { from, to }: Hours): boolean => (from <= to ? from <= time && time < to : from <= time || time < to);

/** No night is longer, not even one on which clocks go back. */
const LONGEST = 27 * 60 * MINUTE;

/**
 * The first instant from `at` on at which the wall clock in `zone` shows a time outside the hours, to the minute; `at` itself when
 * it is. On nights when clocks change it is what the clocks show that counts: hours that are skipped end when they would have ended.
 *
 * @returns null when all hours are within
 */
export function firstOutside(at: Date, zone: string, hours: Hours): Date | null {
  const outside = (ms: number): boolean => !isWithin(localTime(new Date(ms), zone), hours);
  const now = at.getTime();
  if (outside(now)) return at;
  const next = (Math.floor(now / MINUTE) + 1) * MINUTE; // zones are whole minutes away from UTC
  for (let ms = next; ms <= now + LONGEST; ms += MINUTE) if (outside(ms)) return new Date(ms);
  return null;
}

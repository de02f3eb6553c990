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

const DATE_TIMES = new Map<string, Intl.DateTimeFormat>();

/** The same with its date: `YYYY-MM-DDTHH:MM`, which compare like the times they name. */
export function localDateTime(at: Date, zone: string): string {
  let format = DATE_TIMES.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    DATE_TIMES.set(zone, format);
  }
  return format.format(at).replace(' ', 'T');
}

/** No zone is further ahead of UTC. */
export const FIRST_ZONE = 'Pacific/Kiritimati';
const FURTHEST_AHEAD = 14 * 60 * MINUTE;

/**
 * The first instant at which the wall clock in `zone` shows `wallClock` (`YYYY-MM-DDTHH:MM`) or, on a night that skips it, a later time.
 * Of an hour that comes twice it is the first.
 */
export function firstAt(wallClock: string, zone: string): Date {
  const written = new Date(`${wallClock}Z`).getTime();
  const offset = (ms: number): number => new Date(`${localDateTime(new Date(ms), zone)}Z`).getTime() - ms;
  const near = [-FURTHEST_AHEAD - 24 * 60 * MINUTE, -FURTHEST_AHEAD, 0, FURTHEST_AHEAD].map((away) => offset(written + away));
  let ms = written - Math.max(...near); // never later than what is looked for
  while (localDateTime(new Date(ms), zone) < wallClock) ms += MINUTE;
  return new Date(ms);
}

/** Hours of a day, from `from` to just before `to`; where `to` comes first they run across midnight. */
export interface Hours {
  from: string;
  to: string;
}

/** The other hours of the day. */
export const exceptFor = ({ from, to }: Hours): Hours => ({ from: to, to: from });

export const isWithin = (time: string, { from, to }: Hours): boolean => (from <= to ? from <= time && time < to : from <= time || time < to);

/** Two days, one of which an hour longer: an hour that clocks skip in one night comes the next. */
const LONGEST = 49 * 60 * MINUTE;

/**
 * The first instant from `at` on at which the wall clock in `zone` shows a time outside all of the hours, to the minute; `at` itself when
 * it is. On nights when clocks change it is what the clocks show that counts: hours that are skipped end when they would have ended.
 *
 * @returns null when all hours are within
 */
export function firstOutside(at: Date, zone: string, ...hours: Hours[]): Date | null {
  const outside = (ms: number): boolean => {
    const time = localTime(new Date(ms), zone);
    return !hours.some((one) => isWithin(time, one));
  };
  const now = at.getTime();
  if (outside(now)) return at;
  const next = (Math.floor(now / MINUTE) + 1) * MINUTE; // zones are whole minutes away from UTC
  for (let ms = next; ms <= now + LONGEST; ms += MINUTE) if (outside(ms)) return new Date(ms);
  return null;
}

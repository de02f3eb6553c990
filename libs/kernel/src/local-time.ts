/** Wall-clock times, as texts `HH:MM`, which compare like the times they name. */

const MINUTE = 60_000;
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** The wall-clock time in `zone` (an IANA name) at the instant, from `00:00` to `23:59`. */
export function localTime(at: Date, zone: string): string {
  let format = FORMATS.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    FORMATS.set(zone, format); // building one costs a hundred times as much as using it
  }
  return format.format(at);
}

const DATE_TIMES = new Map<string, Intl.DateTimeFormat>();

/** The same with the date: `YYYY-MM-DDTHH:MM`. */
export function localDateTime(at: Date, zone: string): string {
  let format = DATE_TIMES.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    DATE_TIMES.set(zone, format);
  }
  return format.format(at).replace(' ', 'T');
}

/** A zone further ahead of UTC than all others. */
export const FIRST_ZONE = 'Pacific/Kiritimati';
const FURTHEST_AHEAD = 14 * 60 * MINUTE;

/**
 * The first instant at which the wall clock in `zone` shows `wallClock` (`YYYY-MM-DDTHH:MM`) or, if the clocks skip it, a later time.
 * If an hour comes twice, it is in the first.
 */
export function firstAt(wallClock: string, zone: string): Date {
  const written = new Date(`${wallClock}Z`).getTime();
  const offset = (ms: number): number => new Date(`${localDateTime(new Date(ms), zone)}Z`).getTime() - ms;
  const near = [-FURTHEST_AHEAD - 24 * 60 * MINUTE, -FURTHEST_AHEAD, 0, FURTHEST_AHEAD].map((away) => offset(written + away));
  let ms = written - Math.max(...near); // never later than the instant wanted
  while (localDateTime(new Date(ms), zone) < wallClock) ms += MINUTE;
  return new Date(ms);
}

/** Hours of a day, from `from` until before `to`; if `to` is earlier, they run across midnight. */
export interface Hours {
  from: string;
  to: string;
}

/** The other hours of the day. */
export const exceptFor = ({ from, to }: Hours): Hours => ({ from: to, to: from });

export const isWithin = (time: string, { from, to }: Hours): boolean => (from <= to ? from <= time && time < to : from <= time || time < to);

/** Two days, one of them an hour longer: an hour that the clocks skip one night comes the next. */
const LONGEST = 49 * 60 * MINUTE;

/**
 * The first instant from `at` on, to the minute, at which the wall clock in `zone` shows a time outside all of the hours; `at` itself if it is
 * outside. When clocks change, what they show counts: hours that are skipped end when they would have ended.
 *
 * @returns null when the hours cover the whole day
 */
export function firstOutside(at: Date, zone: string, ...hours: Hours[]): Date | null {
  const outside = (ms: number): boolean => {
    const time = localTime(new Date(ms), zone);
    return !hours.some((one) => isWithin(time, one));
  };
  const now = at.getTime();
  if (outside(now)) return at;
  const next = (Math.floor(now / MINUTE) + 1) * MINUTE; // zones differ from UTC by whole minutes
  for (let ms = next; ms <= now + LONGEST; ms += MINUTE) if (outside(ms)) return new Date(ms);
  return null;
}

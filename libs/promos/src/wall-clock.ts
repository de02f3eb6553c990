/** What the clock and the calendar on a wall say. */
export interface WallClock {
  /** `YYYY-MM-DD` */
  date: string;
  /** Monday is 0. */
  weekday: number;
  /** `HH:MM` */
  time: string;
}

const MONDAY_FIRST = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Building one costs a hundred times as much as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** @param timeZone IANA name */
export function wallClock(at: Date, timeZone: string): WallClock {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone, calendar: 'gregory', weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return { date: `${part.year!.padStart(4, '0')}-${part.month}-${part.day}`, weekday: MONDAY_FIRST.indexOf(part.weekday!), time: `${part.hour}:${part.minute}` };
}

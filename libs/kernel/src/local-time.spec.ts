import fc from 'fast-check';
import { exceptFor, firstAt, firstOutside, type Hours, isWithin, localDateTime, localTime } from './local-time.js';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Africa/Cairo', 'America/Havana', 'Pacific/Kiritimati', 'Asia/Tehran'];
const MINUTE = 60_000;
const time = fc.integer({ min: 0, max: 1439 }).map((minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`);
const hours = fc.record<Hours>({ from: time, to: time });

test('a wall clock', () => {
  const at = new Date('2026-07-01T22:30:00Z');
  expect(['UTC', 'Asia/Kathmandu', 'America/New_York'].map((zone) => localTime(at, zone))).toEqual(['22:30', '04:15', '18:30']);
  expect(localTime(new Date('2026-07-01T00:00:00Z'), 'UTC')).toBe('00:00');
});

test.each([
  [{ from: '21:00', to: '08:00' }, ['20:59', '08:00', '12:00'], ['21:00', '23:59', '00:00', '07:59']],
  [{ from: '12:00', to: '14:00' }, ['11:59', '14:00'], ['12:00', '13:59']],
  [{ from: '08:00', to: '08:00' }, ['07:59', '08:00'], []],
])('%j', (window, outside, within) => {
  expect(outside.filter((one) => isWithin(one, window))).toEqual([]);
  expect(within.filter((one) => !isWithin(one, window))).toEqual([]);
});

test('the first minute outside, whatever the clocks do', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }), fc.constantFrom(...ZONES), hours, (at, zone, window) => {
      const found = firstOutside(at, zone, window)!;
      expect(isWithin(localTime(found, zone), window)).toBe(false);
      for (let ms = at.getTime(); ms < found.getTime(); ms += MINUTE) expect(isWithin(localTime(new Date(ms), zone), window)).toBe(true);
      if (found > at) expect(found.getTime() % MINUTE).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('an hour that a night skips comes the night after', () => {
  const at = new Date('2027-03-27T03:00:00Z');
  expect(firstOutside(at, 'Europe/Berlin', exceptFor({ from: '02:00', to: '03:00' }))).toEqual(new Date('2027-03-29T00:00:00Z'));
});

test('nights on which clocks change', () => {
  const night = { from: '21:00', to: '08:00' };
  const end = (at: string, zone: string) => firstOutside(new Date(at), zone, night)!.toISOString();
  expect(end('2026-03-28T22:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T06:00:00.000Z'); // an hour shorter
  expect(end('2026-10-24T22:00:00Z', 'Europe/Berlin')).toBe('2026-10-25T07:00:00.000Z'); // an hour longer
  // Ends at 02:30, which that night does not have: at 03:00, when the clock is past it.
  expect(firstOutside(new Date('2026-03-29T00:10:00Z'), 'Europe/Berlin', { from: '01:00', to: '02:30' })!.toISOString()).toBe('2026-03-29T01:00:00.000Z');
});

test('the first instant of a wall clock’s time, whatever the clocks do', () => {
  const at = (wallClock: string, zone: string) => firstAt(wallClock, zone).toISOString();
  expect(at('2026-07-01T09:00', 'America/New_York')).toBe('2026-07-01T13:00:00.000Z');
  expect(at('2026-07-01T09:00', 'Pacific/Kiritimati')).toBe('2026-06-30T19:00:00.000Z');
  expect(at('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z'); // not that night: when the clock is past it
  expect(at('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z'); // twice that night: the first
  expect(at('2026-10-25T12:00', 'Europe/Berlin')).toBe('2026-10-25T11:00:00.000Z');
  fc.assert(
    fc.property(fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }), fc.constantFrom(...ZONES), (date, zone) => {
      const wallClock = date.toISOString().slice(0, 16);
      const found = firstAt(wallClock, zone);
      const before = (ms: number) => localDateTime(new Date(found.getTime() - ms), zone);
      expect(localDateTime(found, zone) >= wallClock).toBe(true);
      for (let ms = MINUTE; ms < 180 * MINUTE; ms += MINUTE) expect(before(ms) < wallClock).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('outside of several hours at once', () => {
  const out = (at: string, ...hours: Hours[]) => firstOutside(new Date(at), 'UTC', ...hours)?.toISOString() ?? null;
  const [night, window] = [{ from: '21:00', to: '08:00' }, { start: '07:00', end: '09:00' }];
  const closed = exceptFor({ from: window.start, to: window.end });
  expect(out('2026-07-01T22:00:00Z', night, closed)).toBe('2026-07-02T08:00:00.000Z');
  expect(out('2026-07-01T10:00:00Z', closed)).toBe('2026-07-02T07:00:00.000Z');
  expect(out('2026-07-01T10:00:00Z', night, exceptFor({ from: '22:00', to: '23:00' }))).toBeNull();
});

import { addDays, daysBetween, localDay, startOfDay } from './local-day.js';

const hours = (day: string, zone: string): number => (startOfDay(addDays(day, 1), zone).getTime() - startOfDay(day, zone).getTime()) / 3_600_000;

describe('local days', () => {
  test.each([
    ['2026-01-01', 'UTC', '2026-01-01T00:00:00.000Z'],
    ['2026-07-01', 'Europe/Berlin', '2026-06-30T22:00:00.000Z'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
    ['2026-01-01', 'Pacific/Pago_Pago', '2026-01-01T11:00:00.000Z'],
    ['2026-01-01', 'Asia/Kathmandu', '2025-12-31T18:15:00.000Z'],
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'], // springs from 00:00 to 01:00
    ['2025-11-02', 'America/Havana', '2025-11-02T04:00:00.000Z'], // falls from 01:00 to 00:00: the first 00:00
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'], // a day that Samoa skipped begins, and ends, with the next
  ])('%s in %s begins at %s', (day, zone, instant) => {
    expect(startOfDay(day, zone).toISOString()).toBe(instant);
  });

  test.each([
    ['2026-03-29', 'Europe/Berlin', 23],
    ['2026-10-25', 'Europe/Berlin', 25],
    ['2026-04-24', 'Africa/Cairo', 23],
    ['2025-11-02', 'America/Havana', 25],
    ['2025-10-05', 'Australia/Lord_Howe', 23.5],
    ['2011-12-30', 'Pacific/Apia', 0],
  ])('%s in %s has %d hours', (day, zone, length) => {
    expect(hours(day, zone)).toBe(length);
  });

  test('an instant is on one day here and another there', () => {
    const at = new Date('2026-01-01T02:30:00Z');
    expect(localDay(at, 'Europe/Berlin')).toBe('2026-01-01');
    expect(localDay(at, 'America/New_York')).toBe('2025-12-31');
  });

  test('days are counted across years and leap days', () => {
    expect(addDays('2024-02-28', 2)).toBe('2024-03-01');
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31');
    expect(daysBetween('2024-01-01', '2025-01-01')).toBe(366);
  });
});

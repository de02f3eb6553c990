import { isWithin } from './schedule.js';

// 2026-07-03 is a Friday.
const at = (instant: string) => new Date(instant);

describe('happy hours', () => {
  const afternoon = { days: ['fri' as const], from: '15:00', to: '18:00', timezone: 'UTC' };

  test('from is in, to is out', () => {
    expect(isWithin(afternoon, at('2026-07-03T14:59:59Z'), 'UTC')).toBe(false);
    expect(isWithin(afternoon, at('2026-07-03T15:00:00Z'), 'UTC')).toBe(true);
    expect(isWithin(afternoon, at('2026-07-03T17:59:59Z'), 'UTC')).toBe(true);
    expect(isWithin(afternoon, at('2026-07-03T18:00:00Z'), 'UTC')).toBe(false);
    expect(isWithin(afternoon, at('2026-07-04T16:00:00Z'), 'UTC')).toBe(false);
  });

  test('a window across midnight belongs to the day it began on', () => {
    const night = { days: ['fri' as const], from: '22:00', to: '02:00' };
    expect(isWithin(night, at('2026-07-03T23:00:00Z'), 'UTC')).toBe(true);
    expect(isWithin(night, at('2026-07-04T01:59:00Z'), 'UTC')).toBe(true);
    expect(isWithin(night, at('2026-07-04T02:00:00Z'), 'UTC')).toBe(false);
    expect(isWithin(night, at('2026-07-03T01:00:00Z'), 'UTC')).toBe(false); // Thursday's night
    expect(isWithin({ days: ['sun'], from: '22:00', to: '02:00' }, at('2026-07-06T01:00:00Z'), 'UTC')).toBe(true); // into Monday
  });

  test('the clock is that of the schedule, else of the tenant, summer time included', () => {
    const lunch = { from: '12:00', to: '14:00' };
    expect(isWithin(lunch, at('2026-07-03T10:30:00Z'), 'Europe/Berlin')).toBe(true);
    expect(isWithin(lunch, at('2026-01-02T10:30:00Z'), 'Europe/Berlin')).toBe(false);
    expect(isWithin({ ...lunch, timezone: 'Asia/Tokyo' }, at('2026-07-03T03:00:00Z'), 'Europe/Berlin')).toBe(true);
  });

  test('days alone run from midnight to midnight', () => {
    expect(isWithin({ days: ['sat'] }, at('2026-07-03T22:30:00Z'), 'Europe/Berlin')).toBe(true);
    expect(isWithin({ days: ['sat'] }, at('2026-07-03T21:30:00Z'), 'Europe/Berlin')).toBe(false);
  });
});

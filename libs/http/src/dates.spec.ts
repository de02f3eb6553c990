import { isCalendarDate, isInstant } from './dates.js';

describe('dates', () => {
  test.each(['2026-01-31', '2024-02-29', '0001-01-01', '9999-12-31'])('%s is a day', (text) => expect(isCalendarDate(text)).toBe(true));
  test.each(['2026-02-30', '2025-02-29', '2026-13-01', '0000-01-01', '2026-1-1', '2026-01-31T00:00:00Z', '', null, 20260131])('%p is none', (text) =>
    expect(isCalendarDate(text)).toBe(false));

  test.each(['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123+02:00', '2026-01-31t12:00:00z'])('%s is an instant', (text) => expect(isInstant(text)).toBe(true));
  test.each(['2026-01-31T12:00:00', '2026-01-31', '2026-02-30T12:00:00Z', '2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z', '2026-01-31T12:00:00+24:00', 1, {}])('%p is none', (text) =>
    expect(isInstant(text)).toBe(false));
});

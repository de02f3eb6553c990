import fc from 'fast-check';
import { base32, fromBase32, newId } from './ids.js';

describe('ids', () => {
  test('base32 gives the bytes back, and sorts as they do', () => {
    const bytes = fc.uint8Array({ minLength: 12, maxLength: 12 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), (one) => void expect(fromBase32(base32(one), one.length)).toEqual(one)));
    fc.assert(fc.property(bytes, bytes, (a, b) => void expect(Math.sign(Buffer.compare(a, b))).toBe(base32(a) < base32(b) ? -1 : base32(a) > base32(b) ? 1 : 0)));
  });

  test('text that is not base32 of the size is refused, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(fromBase32(text, 12)?.length ?? 12).toBe(12)));
    const spelt = fc.string({ unit: fc.constantFrom(...'0137zyu'), minLength: 4, maxLength: 4 });
    fc.assert(fc.property(spelt, (text) => void expect([text, null]).toContain(base32(fromBase32(text, 2) ?? new Uint8Array()) || null))); // one spelling of each
    expect(fromBase32('z'.repeat(20), 12)).toBeNull(); // 100 bits do not fit in 96
    expect(fromBase32('0'.repeat(19) + 'u', 12)).toBeNull();
  });

  test('an id made later sorts later', () => {
    expect(newId('camp', 1_700_000_000_000) < newId('camp', 1_700_000_000_001)).toBe(true);
    expect(new Set(Array.from({ length: 1000 }, () => newId('camp', 0))).size).toBe(1000);
    expect(newId('camp')).toMatch(/^camp_[0-9a-hjkmnp-tv-z]{26}$/);
  });
});

import fc from 'fast-check';
import { currencyExponent, percentage, toDecimal, toMinor } from './money.js';

describe('money', () => {
  test('every amount in minor units survives the wire', () => {
    const currency = fc.constantFrom('USD', 'EUR', 'JPY', 'KWD', 'CLF');
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), currency, (minor, code) => {
        const wire = JSON.parse(JSON.stringify(toDecimal(minor, code))) as number;
        expect(toMinor(wire, code)).toBe(minor);
      }),
    );
  });

  test.each([
    [24.5, 'USD', 2450],
    [1.005, 'USD', null],
    [0.1 + 0.2, 'USD', null],
    [244091.94, 'USD', 24409194],
    [1.5, 'JPY', null],
    [1.234, 'KWD', 1234],
    [Number.NaN, 'USD', null],
    [Number.POSITIVE_INFINITY, 'USD', null],
    [1e300, 'USD', null],
  ])('%p %s is %p minor units', (amount, currency, minor) => expect(toMinor(amount, currency)).toBe(minor));

  test('a currency has two decimals unless ISO 4217 says otherwise', () => {
    expect(['USD', 'JPY', 'KWD'].map(currencyExponent)).toEqual([2, 0, 3]);
  });

  test('a percentage of nothing is 0', () => {
    expect(percentage(3, 0)).toBe(0);
    expect(percentage(2180, 5380)).toBe(40.5);
    expect(percentage(156, 5380)).toBe(2.9);
  });

  test('an exact half goes up, though the quotient is a double below it', () => {
    expect(percentage(201, 400)).toBe(50.3);
  });
});

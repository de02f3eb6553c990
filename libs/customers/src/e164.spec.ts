import fc from 'fast-check';
import examples from 'libphonenumber-js/mobile/examples';
import { type CountryCode, getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isPlainE164 } from './e164.js';

const library = (text: string): string | null => {
  const parsed = parsePhoneNumberFromString(text);
  return parsed?.isValid() ? parsed.number : null;
};

const digit = fc.constantFrom(...'0123456789');
const digits = (minLength: number, maxLength: number): fc.Arbitrary<string> => fc.string({ unit: digit, minLength, maxLength });
const country = fc.constantFrom(...getCountries());
const written = (of: CountryCode, national: string): string => `+${getCountryCallingCode(of)}${national}`;

/** A mobile number of the country as it is, begun with other digits, one digit longer, or with one changed. */
const nearby = fc.tuple(country, fc.nat(), digit, digits(0, 4)).chain(([of, at, other, start]) => {
  const number: string = examples[of];
  const place = at % number.length;
  return fc.constantFrom(number, start + number.slice(start.length), start + number, number + other, number.slice(0, place) + other + number.slice(place + 1)).map((national) => written(of, national));
});
const anything = fc.tuple(country, digits(4, 13)).map(([of, national]) => written(of, national));
const codeless = digits(5, 16).map((text) => `+${text}`);

test('what is taken for E.164 at first sight is what the library makes of it', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 4, arbitrary: nearby }, anything, codeless), (text) => {
      if (!isPlainE164(text)) return;
      taken++;
      expect(library(text)).toBe(text);
    }),
    { numRuns: 10_000 },
  );
  expect(taken).toBeGreaterThan(2500);
});

test.each(getCountries().map((of) => [of, written(of, examples[of])]))('a mobile number of %s is taken at first sight: %s', (_, text) => {
  expect([library(text), isPlainE164(text)]).toEqual([text, true]);
});

test.each(['', '+', '41791234567', '+41 79 123 45 67', '+0791234567', '+41791234567 ', '+999123456789', '+44 07911 123456', '+4407911123456', '+٤١٧٩١٢٣٤٥٦٧'])('%j is left to the library', (text) => {
  expect(isPlainE164(text)).toBe(false);
});

import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import { getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isPlainE164 } from './e164.js';
import { oneSpelling } from './one-spelling.js';

/** Addresses as nearly everybody writes them; for the rest of the grammar there is `isEmail` (10 µs against 2). */
const USUAL = /^[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$/;

/** The one spelling of an email address: trimmed, lower case, an accented letter as one code point (NFC), the domain in ASCII (RFC 5891); null when it is not an address. */
export function normaliseEmail(text: string): string | null {
  const given = text.trim().toLowerCase();
  if (given.length <= 64 && USUAL.test(given)) return given;
  const trimmed = oneSpelling(given);
  const at = trimmed.lastIndexOf('@');
  if (/[^\p{L}\p{M}\p{N}.\u3002\uff0e\uff61-]/u.test(trimmed.slice(at + 1))) return null; // domainToASCII drops tabs, and ends at / ? and #
  const address = `${trimmed.slice(0, at)}@${domainToASCII(trimmed.slice(at + 1))}`;
  return at > 0 && !/[\s\p{Cc}]/u.test(address) && isEmail(address) ? address : null; // isEmail takes line breaks between quotes: they would begin another header, or SMTP command
}

/** A phone number with its country code, however it is spaced, as E.164; null when it is in no country's numbering plan. */
export function normalisePhone(text: string): string | null {
  const trimmed = text.trim();
  if (isPlainE164(trimmed)) return trimmed;
  const parsed = parsePhoneNumberFromString(trimmed);
  return parsed?.isValid() ? parsed.number : null;
}

const CALLING_CODES = [...new Set(getCountries().map((country) => getCountryCallingCode(country)))];

/**
 * How E.164 numbers begin that a text may be the beginning of: with its country code after `+` or `00`, or without one, as people of any
 * country write it at home. There a leading 0 is not part of the number, but in Italy it is.
 */
export function phonePrefixes(text: string): string[] {
  const digits = text.replace(/\D/g, '');
  if (digits === '' || !/^\+?[\d\s()./-]+$/.test(text)) return [];
  if (text.startsWith('+')) return [`+${digits}`];
  if (digits.startsWith('00')) return [`+${digits.slice(2)}`];
  const national = digits.replace(/^0/, '');
  if (national.length < 4) return [`+${digits}`]; // with so few digits, every country would have matches
  return [`+${digits}`, ...(national === digits ? [] : [`+39${digits}`]), ...CALLING_CODES.map((code) => `+${code}${national}`)];
}

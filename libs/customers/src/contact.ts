import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** The one spelling of an email address: trimmed, lower case, the domain in ASCII (RFC 5891); null when it is not an address. */
export function normaliseEmail(text: string): string | null {
  const trimmed = text.trim().toLowerCase();
  const at = trimmed.lastIndexOf('@');
  const address = `${trimmed.slice(0, at)}@${domainToASCII(trimmed.slice(at + 1))}`;
  return at > 0 && !/[\s\p{Cc}]/u.test(address) && isEmail(address) ? address : null; // isEmail takes line breaks between quotes: they would begin another header, or SMTP command
}

/** A phone number with its country code, however it is spaced, as E.164; null when no country's numbering plan has it. */
export function normalisePhone(text: string): string | null {
  const parsed = parsePhoneNumberFromString(text.trim());
  return parsed?.isValid() ? parsed.number : null;
}

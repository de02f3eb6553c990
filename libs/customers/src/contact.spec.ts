import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import fc from 'fast-check';
import { normaliseEmail, normalisePhone } from './contact.js';

describe('addresses have one spelling', () => {
  test.each([
    [' Ada.Lovelace@Example.COM ', 'ada.lovelace@example.com'],
    ['a+b@exämple.de', 'a+b@xn--exmple-cua.de'],
    ['jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['JOSE\u0301@Cafe\u0301.example', 'jos\u00e9@xn--caf-dma.example'],
    ['nobody', null],
    ['@example.com', null],
    ['a@b', null],
    ['a b@example.com', null],
    ['"a\r\nbcc: b"@example.com', null],
    ['"a b"@example.com', null],
    ['a@example.com\nBcc: x@example.com', null],
    ['a@exa\tmple.com', null],
    ['a@example.com/', null],
    ['a@example.com#x', null],
  ])('%j is the email %j', (text, email) => expect(normaliseEmail(text)).toBe(email));

  test.each([
    ['+1 (415) 555-2671', '+14155552671'],
    ['+49 30 901820', '+4930901820'],
    ['4155552671', null],
    ['+1 415', null],
    ['call me', null],
  ])('%j is the phone %j', (text, phone) => expect(normalisePhone(text)).toBe(phone));

  test('an address that looks usual is one', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'z', '0', '.', '-', '_', '+', 'xn--', 'com'), minLength: 1, maxLength: 8 });
    const tld = fc.constantFrom('com', 'c', 'xn--p1ai', '1a', 'technology', 'co.uk');
    fc.assert(
      fc.property(part, part, tld, (local, domain, end) => {
        const host = `${domain}.${end}`;
        const ascii = domainToASCII(host);
        expect(normaliseEmail(`${local}@${host}`)).toBe(isEmail(`${local}@${ascii}`) ? `${local}@${ascii}` : null);
      }),
      { numRuns: 5000 },
    );
  });
});

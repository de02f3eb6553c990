import { parse } from 'node:querystring';
import fc from 'fast-check';
import { getExpectedBodyHash, getExpectedTwilioSignature, validateRequest, validateRequestWithBody } from 'twilio/lib/webhooks/webhooks.js';
import type { Trust } from './scheme.js';
import { verifyTwilio } from './twilio.js';

const INVALID = { valid: false, reason: 'invalid_signature' };
const TOKEN = '12345';
const trust = (...secrets: string[]): Trust => ({ secrets: secrets.length === 0 ? [TOKEN] : secrets, toleranceSeconds: null, now: new Date() });

type Form = Readonly<Record<string, string | readonly string[]>>;
const encode = (form: Form): string => new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]))).toString();
const request = (url: string, body: string | Uint8Array, signature: string | undefined) => ({ method: 'POST', url, headers: { 'x-twilio-signature': signature }, body: Buffer.from(body as string) });
const sign = (url: string, form: Form): string => getExpectedTwilioSignature(TOKEN, url, form);

const PATH = '/api/v1/marketing/webhooks/twilio?connection=whc_01kzv3q6x0w9m2h7c4t8r5e1nd&delivery_id=dlv_1';
const URL_OF_OURS = `https://crm.example.com${PATH}`;

/** A request as it came, and the token that it is held against. */
interface Case { url: string; body: Buffer; signature: string; token: string }

const ours = ({ url, body, signature, token }: Case): boolean => verifyTwilio(request(url, body, signature), trust(token)).valid;

/** One of the text's last characters is another; a letter, since of a URL with a quote, say, Twilio's library takes more than one spelling for what was signed. */
function otherwise(text: string, place: number, last = text.length): string {
  const at = text.length - 1 - (place % last);
  return `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
}
const flipped = (body: Buffer, place: number, bits: number): Buffer => Buffer.from(body.map((byte, index) => (index === place % body.length ? byte ^ bits : byte)));

/** The case with one byte changed, wherever one can be. */
const damaged = (right: Case, place: number, bits: number): Case[] => [
  { ...right, url: otherwise(right.url, place, PATH.length - 1) },
  { ...right, body: flipped(right.body, place, bits) },
  { ...right, token: otherwise(right.token, place) },
  { ...right, signature: otherwise(right.signature, place) },
  { ...right, signature: right.signature.slice(0, -1) },
  { ...right, signature: right.signature.replace(/.(?==$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)) }, // the same bytes, written otherwise
];

describe('Twilio’s signature', () => {
  const text = fc.string({ unit: 'grapheme' });
  const forms = fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 4 })));
  const bits = fc.integer({ min: 1, max: 255 });

  test('is right where Twilio’s own library signed, and with one byte changed as its own library says', () => {
    const theirs = ({ url, body, signature, token }: Case): boolean => validateRequest(token, signature, url, parse(body.toString()));
    fc.assert(fc.property(forms, text, text, fc.nat(), bits, (form, name, value, place, flip) => {
      const right = { url: URL_OF_OURS, body: Buffer.from(encode(form)), signature: sign(URL_OF_OURS, form), token: TOKEN };
      expect([ours(right), theirs(right)]).toEqual([true, true]);
      const more = { ...right, body: Buffer.from(`${encode(form)}&${encode({ [name]: value })}`) };
      for (const other of [more, ...damaged(right, place, flip)]) expect(ours(other)).toBe(theirs(other));
    }));
  });

  test('of a JSON body is over the URL, which has its hash: as Twilio’s own library says', () => {
    const theirs = ({ url, body, signature, token }: Case): boolean => validateRequestWithBody(token, signature, url, body.toString());
    fc.assert(fc.property(fc.json(), fc.nat(), bits, (body, place, flip) => {
      const url = `${URL_OF_OURS}&bodySHA256=${getExpectedBodyHash(body)}`;
      const right = { url, body: Buffer.from(body), signature: sign(url, {}), token: TOKEN };
      expect([ours(right), theirs(right)]).toEqual([true, true]);
      for (const other of damaged(right, place, flip)) expect(ours(other)).toBe(theirs(other));
    }));
  });

  test('may be of the URL with its port or without, and with no other: as Twilio’s own library says', () => {
    const ORIGINS = ['https://crm.example.com', 'https://crm.example.com:443', 'https://crm.example.com:8443', 'http://crm.example.com', 'http://crm.example.com:80', 'http://[::1]', 'http://[::1]:80', 'http://127.0.0.1:3000'];
    for (const [signed, origin] of ORIGINS.flatMap((one) => ORIGINS.map((other) => [one, other] as const))) {
      const [url, signature] = [`${origin}${PATH}&a=:80`, sign(`${signed}${PATH}&a=:80`, { a: '1' })];
      expect(ours({ url, body: Buffer.from('a=1'), signature, token: TOKEN }), `${signed} at ${origin}`).toBe(validateRequest(TOKEN, signature, url, { a: '1' }));
    }
  });

  test('takes any form, in any order of its fields, under any token that is active', () => {
    fc.assert(fc.property(forms, fc.integer(), (form, turn) => {
      const fields = encode(form).split('&');
      const turned = fields.map((_, index) => fields[(((index + turn) % fields.length) + fields.length) % fields.length]).join('&');
      expect(verifyTwilio(request(URL_OF_OURS, turned, sign(URL_OF_OURS, form)), trust('the next one', TOKEN)).valid).toBe(true);
    }));
  });

  test('whatever stands in header and body, it answers and never throws', () => {
    fc.assert(fc.property(fc.option(fc.oneof(text, fc.base64String()), { nil: undefined }), fc.uint8Array(), fc.webQueryParameters(), (signature, body, query) => {
      expect(verifyTwilio({ ...request(`${URL_OF_OURS}&${query}`, '', signature), body: Buffer.from(body) }, trust())).toEqual(INVALID);
    }), { numRuns: 1000 });
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`f${index}`, '']));
    expect(verifyTwilio(request(URL_OF_OURS, encode(many), sign(URL_OF_OURS, many)), trust())).toEqual(INVALID);
  });
});

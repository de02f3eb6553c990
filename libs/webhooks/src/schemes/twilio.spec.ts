import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import type { Trust } from './scheme.js';
import { verifyTwilio } from './twilio.js';

const INVALID = { valid: false, reason: 'invalid_signature' };
const TOKEN = '12345';
const trust = (...secrets: string[]): Trust => ({ secrets: secrets.length === 0 ? [TOKEN] : secrets, toleranceSeconds: null, now: new Date() });

type Form = Readonly<Record<string, string | readonly string[]>>;
const encode = (form: Form): string => new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]))).toString();
const request = (url: string, body: string, signature: string | undefined) => ({ method: 'POST', url, headers: { 'x-twilio-signature': signature }, body: Buffer.from(body) });

/** By Twilio's description, written once more. */
function sign(url: string, form: Form, token = TOKEN): string {
  const mac = createHmac('sha1', token).update(url);
  for (const name of Object.keys(form).sort()) for (const value of [...new Set([form[name]!].flat())].sort()) mac.update(name).update(value);
  return mac.digest('base64');
}

const URL_OF_OURS = 'https://crm.example.com/api/v1/marketing/webhooks/twilio?connection=whc_01kzv3q6x0w9m2h7c4t8r5e1nd&delivery_id=dlv_1';
const MIXED: Form = { ToCountry: 'US', Body: 'Grüezi & 2+2=4 🍕', MediaUrl: ['b', 'a', 'b'], Empty: '', To: '+16232320112', a: '1', A: '2', _: '3' };

describe('Twilio’s signature', () => {
  /** What Twilio's own library (npm twilio 6.2.0, getExpectedTwilioSignature) makes of these under the token `12345`. */
  test.each([
    ['https://mycompany.com/myapp.php?foo=1&bar=2', { CallSid: 'CA1234567890ABCDE', Caller: '+14158675309', Digits: '1234', From: '+14158675309', To: '+18005551212' }, 'RSOYDt4T1cUTdK1PDd93/VVr8B8='],
    [URL_OF_OURS, MIXED, 'BzbKmqeQUUV7oHWez9BHKCkj43g='],
    ['https://crm.example.com:443/hook', MIXED, 'zxZyXXLi2AeM5XgEzSrP5z4RXwI='],
    ['http://127.0.0.1:3000/hook?a=b%20c', MIXED, 'retDyTUotdGQZA8TVdddt2dRSMA='],
  ])('of Twilio’s own library is right: %s', (url, form: Form, signature) => {
    expect(verifyTwilio(request(url, encode(form), signature), trust())).toEqual({ valid: true, messageId: null });
    expect(verifyTwilio(request(url, encode({ ...form, To: '+18005551213' }), signature), trust())).toEqual(INVALID);
  });

  test('of a JSON body is over the URL, which has its hash; also by Twilio’s library', () => {
    const url = `https://crm.example.com/hook?bodySHA256=${createHash('sha256').update('{"a":1}').digest('hex')}`;
    expect(verifyTwilio(request(url, '{"a":1}', 'uJwsdEkUW0sQwZsIIdUOOHLTPHc='), trust()).valid).toBe(true);
    expect(verifyTwilio(request(url, '{"a":2}', 'uJwsdEkUW0sQwZsIIdUOOHLTPHc='), trust())).toEqual(INVALID);
    expect(verifyTwilio(request(url.replace('?', '?b=1&'), '{"a":1}', 'uJwsdEkUW0sQwZsIIdUOOHLTPHc='), trust())).toEqual(INVALID);
  });

  test.each([
    ['https://crm.example.com/hook', ['https://crm.example.com/hook', 'https://crm.example.com:443/hook']],
    ['http://crm.example.com/hook?a=:80', ['http://crm.example.com/hook?a=:80', 'http://crm.example.com:80/hook?a=:80']],
    ['https://crm.example.com:8443/hook', ['https://crm.example.com:8443/hook', 'https://crm.example.com/hook']],
    ['http://[::1]/hook', ['http://[::1]/hook', 'http://[::1]:80/hook']],
  ])('of %s may have been made with its port or without, and with no other', (url, signed) => {
    for (const one of signed) expect(verifyTwilio(request(url, encode(MIXED), sign(one, MIXED)), trust()).valid).toBe(true);
    for (const one of [url.replace('http', 'ftp'), url.replace('/hook', ':8080/hook'), `${url}/`, url.toUpperCase()]) expect(verifyTwilio(request(url, encode(MIXED), sign(one, MIXED)), trust())).toEqual(INVALID);
  });

  const text = fc.string({ unit: 'grapheme' });
  const forms = fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 4 })));

  test('takes any form, in any order of its fields, under any token that is active', () => {
    fc.assert(fc.property(forms, fc.integer(), (form, turn) => {
      const fields = encode(form).split('&');
      const turned = fields.map((_, index) => fields[(((index + turn) % fields.length) + fields.length) % fields.length]).join('&');
      expect(verifyTwilio(request(URL_OF_OURS, turned, sign(URL_OF_OURS, form)), trust('the next one', TOKEN)).valid).toBe(true);
    }));
  });

  test('is none with anything changed', () => {
    fc.assert(fc.property(forms, text, text, (form, name, value) => {
      const right = sign(URL_OF_OURS, form);
      fc.pre(![form[name]].flat().includes(value) && name + value !== '');
      expect(verifyTwilio(request(URL_OF_OURS, `${encode(form)}&${encode({ [name]: value })}`, right), trust())).toEqual(INVALID);
      expect(verifyTwilio(request(`${URL_OF_OURS}0`, encode(form), right), trust())).toEqual(INVALID);
      expect(verifyTwilio(request(URL_OF_OURS, encode(form), right), trust('another token'))).toEqual(INVALID);
      expect(verifyTwilio(request(URL_OF_OURS, encode(form), sign(URL_OF_OURS, form, 'another token')), trust())).toEqual(INVALID);
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

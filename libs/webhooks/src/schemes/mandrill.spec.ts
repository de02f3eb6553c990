import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { verifyMailchimp } from './mailchimp.js';
import { verifyMandrill } from './mandrill.js';

const INVALID = { valid: false, reason: 'invalid_signature' };
const VALID = { valid: true, messageId: null, signedAt: null };
const URL = 'https://crm.example.com/api/v1/marketing/webhooks/mailchimp?connection=whc_1';
const KEY = 'qJa7TSmQ8KyT0YcKGd8bbQ';
const trust = (...secrets: string[]) => ({ secrets, toleranceSeconds: null, now: new Date() });

/** By Mandrill's own description, in as few words as it takes. */
function sign(key: string, url: string, form: Record<string, string>): string {
  return createHmac('sha1', key).update(url + Object.keys(form).sort().map((name) => name + form[name]!).join('')).digest('base64');
}
const request = (form: Record<string, string> | string, signature: string | undefined, url = URL) => ({ method: 'POST', url, headers: { 'x-mandrill-signature': signature }, body: Buffer.from(new URLSearchParams(form).toString()) });

describe('Mandrill’s signature', () => {
  test('is over the URL and the form, decoded and sorted; any key that is good will do', () => {
    fc.assert(fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 5 }), (more) => {
      const form = { ...more, mandrill_events: '[{"event":"send"}]' };
      fc.pre(JSON.stringify(form).isWellFormed());
      expect(verifyMandrill(request(form, sign(KEY, URL, form)), trust('the next', KEY))).toEqual(VALID);
      for (const [key, url, signed] of [['another', URL, form], [KEY, `${URL}&`, form], [KEY, URL, { ...form, mandrill_events: '[{"event":"open"}]' }], [KEY, URL, { ...form, more: '' }]] as const) {
        expect(verifyMandrill(request(form, sign(key, url, signed)), trust(KEY))).toEqual(INVALID);
      }
      expect(verifyMandrill(request(form, sign(KEY, URL, form).slice(0, -1)), trust(KEY))).toEqual(INVALID); // the same bytes, written otherwise
    }), { numRuns: 100 });
  });

  test('under the key of Mandrill’s test is good for a post without events', () => {
    const [none, some] = [{ mandrill_events: '[]' }, { mandrill_events: '[{}]' }];
    expect(verifyMandrill(request(none, sign('test-webhook', URL, none)), trust(KEY))).toEqual(VALID);
    expect(verifyMandrill(request(some, sign('test-webhook', URL, some)), trust(KEY))).toEqual(INVALID);
    expect(verifyMandrill(request('mandrill_events=[]&mandrill_events=[{}]', sign('test-webhook', URL, { mandrill_events: '[]mandrill_events[{}]' })), trust(KEY))).toEqual(INVALID);
  });

  test('is of no form of thousands of fields, and never throws', () => {
    const fields = 'a&'.repeat(1001);
    expect(verifyMandrill(request(fields, sign(KEY, URL, { a: '' })), trust(KEY))).toEqual(INVALID);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String({ minLength: 28, maxLength: 28 })), fc.string(), (signature, body) => {
      expect(verifyMandrill(request(body, signature), trust(KEY))).toEqual(INVALID);
    }));
    expect(verifyMandrill(request({}, undefined), trust(KEY))).toEqual(INVALID);
  });
});

describe('Mailchimp’s secret', () => {
  test('stands in the URL, whole', () => {
    const at = (secret: string) => ({ url: `${URL}&secret=${encodeURIComponent(secret)}` });
    fc.assert(fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (secret, other) => {
      fc.pre(secret.isWellFormed() && other.isWellFormed() && secret !== other);
      expect(verifyMailchimp(at(secret), trust('the next', secret))).toEqual(VALID);
      for (const request of [at(other), at(secret.slice(1)), at(`${secret} `), { url: URL }]) expect(verifyMailchimp(request, trust(secret))).toEqual(INVALID);
    }));
    expect(verifyMailchimp({ url: URL }, trust())).toEqual(INVALID);
  });
});

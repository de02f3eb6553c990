import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import type { Trust } from './scheme.js';
import { standardKey, verifyStandard } from './standard.js';

const seconds = Math.floor(Date.now() / 1000);
const NOW = new Date(seconds * 1000);
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const trust = (over: Partial<Trust> = {}): Trust => ({ secrets: [SECRET], toleranceSeconds: 300, now: NOW, ...over });
const request = (id: string, timestamp: string, signature: string, body: string) => ({
  headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
  body: Buffer.from(body),
});
const id = fc.stringMatching(/^msg_[A-Za-z0-9]{1,40}$/);

/** What the standard's own library says of the request. */
function oracle(headers: Record<string, string>, body: string): boolean {
  try {
    new Webhook(SECRET).verify(body, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

describe('Standard Webhooks', () => {
  test('takes what the standard’s own library signs, and says which message it is', () => {
    fc.assert(fc.property(id, fc.string({ minLength: 1 }), fc.integer({ min: -290, max: 290 }), (message, body, skew) => {
      const at = new Date(NOW.getTime() + skew * 1000);
      const signature = new Webhook(SECRET).sign(message, at, body);
      const signed = request(message, String(seconds + skew), `v1a,other ${signature}`, body);
      expect(verifyStandard(signed, trust())).toEqual({ valid: true, messageId: message, signedAt: expect.any(Date) as Date });
      expect(oracle(signed.headers, body)).toBe(true);
    }));
  });

  test('agrees with it on what is not right', () => {
    const damage = fc.constantFrom<(text: string) => string>((text) => text, (text) => text.slice(1), (text) => `${text}=`, (text) => text.replace('v1', 'v2'), (text) => text.toUpperCase(), (text) => text.replace(/.(?==$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)), () => '', () => 'v1,');
    let agreed = 0;
    fc.assert(fc.property(id, fc.option(id, { freq: 2 }), fc.string({ minLength: 1 }), fc.integer({ min: -400, max: 400 }), damage, (message, other, body, skew, spoil) => {
      fc.pre(Math.abs(Math.abs(skew) - 300) > 5); // the library reads the real clock
      const signature = spoil(new Webhook(SECRET).sign(message, new Date(NOW.getTime() + skew * 1000), body));
      const signed = request(other ?? message, String(seconds + skew), signature, body);
      expect(verifyStandard(signed, trust()).valid).toBe(oracle(signed.headers, body));
      agreed += Number(oracle(signed.headers, body));
    }), { numRuns: 1000 });
    expect(agreed).toBeGreaterThan(10); // on what is right, too
  });

  test('refuses, and never throws, without its headers or with others', () => {
    const anything = fc.option(fc.string(), { nil: undefined });
    fc.assert(fc.property(anything, anything, anything, (message, timestamp, signature) => {
      const headers = { 'webhook-id': message, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
      expect(verifyStandard({ headers, body: Buffer.from('{}') }, trust())).toEqual({ valid: false, reason: 'invalid_signature' });
    }));
  });

  test('a secret’s key is its base64, or itself when it is none', () => {
    const key = randomBytes(32);
    expect(standardKey(`whsec_${key.toString('base64')}`)).toEqual(key);
    expect(standardKey(key.toString('base64'))).toEqual(key);
    expect(standardKey('not base64 at all')).toEqual(Buffer.from('not base64 at all'));
  });
});

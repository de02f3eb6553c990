import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { verifyHubSpot } from './hubspot.js';
import type { Trust } from './scheme.js';

const INVALID = { valid: false, reason: 'invalid_signature' };
const VALID = { valid: true, messageId: null };
const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy';
const NOW = new Date(1_693_657_560_000);
const trust = (over: Partial<Trust> = {}): Trust => ({ secrets: [SECRET], toleranceSeconds: 300, now: NOW, ...over });

const URL = 'https://www.example.com/webhook_uri';
const request = (headers: Record<string, string | undefined>, body: string | Uint8Array, url = URL, method = 'POST') => ({ method, url, headers, body: Buffer.from(body as string) });
const v3 = (signature: string, timestamp = String(NOW.getTime())) => ({ 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp });
const older = (version: string, signature: string) => ({ 'x-hubspot-signature-version': version, 'x-hubspot-signature': signature });
/** By HubSpot's own description, for a URL without anything encoded. */
const sign = (body: Uint8Array | string, { timestamp = String(NOW.getTime()), url = URL, method = 'POST', secret = SECRET } = {}) =>
  createHmac('sha256', secret).update(method + url).update(body).update(timestamp).digest('base64');

describe('HubSpot’s signatures', () => {
  test('are those that HubSpot publishes', () => {
    // https://github.com/HubSpot/hubspot-api-python/blob/master/tests/spec/utils/test_signature.py
    expect(verifyHubSpot(request(v3('K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='), "{'example_field':'example_value'}"), trust())).toEqual(VALID);
    // https://developers.hubspot.com/docs/api/webhooks/validating-requests
    const event = '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]';
    expect(verifyHubSpot(request(older('v1', '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de'), event), trust())).toEqual(VALID);
    expect(verifyHubSpot(request(older('v2', '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900'), '{"example_field":"example_value"}'), trust())).toEqual(VALID);
    expect(verifyHubSpot(request(older('v2', 'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e'), '', URL, 'GET'), trust())).toEqual(VALID);
  });

  test('are over the URL with twelve characters decoded, and no other', () => {
    const encoded = `${URL}?a=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%25`;
    const decoded = `${URL}?a=:/?@!$'()*,;&b=%20%26%25`;
    expect(verifyHubSpot(request(v3(sign('[]', { url: decoded })), '[]', encoded), trust())).toEqual(VALID);
    expect(verifyHubSpot(request(v3(sign('[]', { url: decodeURIComponent(encoded) })), '[]', encoded), trust())).toEqual(INVALID);
  });

  test('are none with one byte changed, anywhere', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.integer({ min: -300_000, max: 300_000 }), (body, place, bits, skew) => {
      const timestamp = String(NOW.getTime() + skew);
      const signature = sign(body, { timestamp });
      expect(verifyHubSpot(request(v3(signature, timestamp), body), trust())).toEqual(VALID);
      const flipped = Uint8Array.from(body, (byte, index) => (index === place % body.length ? byte ^ bits : byte));
      for (const other of [
        request(v3(signature, timestamp), flipped), request(v3(signature, String(Number(timestamp) + 1)), body), request(v3(signature, timestamp), body, `${URL}/`),
        request(v3(signature, timestamp), body, URL.replace('https', 'http')), request(v3(signature, timestamp), body, URL, 'PUT'),
        request(v3(sign(body, { timestamp, secret: 'another' }), timestamp), body), request(v3(signature, undefined), ''),
      ]) expect(verifyHubSpot(other, trust())).toEqual(INVALID);
      expect(verifyHubSpot(request(v3(signature, timestamp), body), trust({ secrets: ['the next', SECRET] }))).toEqual(VALID);
      expect(verifyHubSpot(request(v3(signature, timestamp), body), trust({ secrets: [] }))).toEqual(INVALID);
    }), { numRuns: 50 });
  });

  test('are stale beyond five minutes, of the past and of the future', () => {
    for (const [off, verdict] of [[300_000, VALID], [-300_000, VALID], [300_001, { valid: false, reason: 'stale_timestamp' }], [-300_001, { valid: false, reason: 'stale_timestamp' }]] as const) {
      const timestamp = String(NOW.getTime() + off);
      expect(verifyHubSpot(request(v3(sign('[]', { timestamp }), timestamp), '[]'), trust())).toEqual(verdict);
    }
  });

  test('of older versions do not stand in for a v3 that is wrong', () => {
    const v1 = older('v1', createHash('sha256').update(`${SECRET}[]`).digest('hex'));
    expect(verifyHubSpot(request(v1, '[]'), trust())).toEqual(VALID);
    for (const wrong of ['', 'AAAA', sign('other')]) expect(verifyHubSpot(request({ ...v1, ...v3(wrong) }, '[]'), trust())).toEqual(INVALID);
    for (const version of ['v3', 'v2', '', undefined]) expect(verifyHubSpot(request({ ...v1, 'x-hubspot-signature-version': version }, '[]'), trust())).toEqual(INVALID);
  });

  test('never throw on what they cannot read', () => {
    const anything = fc.option(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.base64String()), { nil: undefined });
    fc.assert(fc.property(anything, anything, anything, anything, fc.uint8Array({ maxLength: 50 }), (a, b, c, d, body) => {
      expect(verifyHubSpot(request({ 'x-hubspot-signature-v3': a, 'x-hubspot-request-timestamp': b, 'x-hubspot-signature': c, 'x-hubspot-signature-version': d }, body, `${URL}?%zz%3A%`), trust())).toEqual(INVALID);
    }), { numRuns: 500 });
  });
});

import { createHash } from 'node:crypto';
import { Signature } from '@hubspot/api-client/lib/src/utils/signature.js';
import fc from 'fast-check';
import { verifyHubSpot } from './hubspot.js';
import type { Trust } from './scheme.js';

const NOW = new Date(); // HubSpot's own library reads the clock
const INVALID = { valid: false, reason: 'invalid_signature' };
const VALID = { valid: true, messageId: null, signedAt: NOW };
const UNDATED = { ...VALID, signedAt: null };
const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy';
const trust = (over: Partial<Trust> = {}): Trust => ({ secrets: [SECRET], toleranceSeconds: 300, now: NOW, ...over });

const URL = 'https://www.example.com/webhook_uri';
const request = (headers: Record<string, string | undefined>, body: string | Uint8Array, url = URL, method = 'POST') => ({ method, url, headers, body: Buffer.from(body as string) });
const v3 = (signature: string, timestamp = String(NOW.getTime())) => ({ 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp });
const older = (version: string, signature: string) => ({ 'x-hubspot-signature-version': version, 'x-hubspot-signature': signature });

/** A request as it came, and the secret that it is held against. */
interface Case { version: 'v1' | 'v2' | 'v3'; method: string; url: string; body: Buffer; timestamp: string; signature: string; secret: string }

const ours = ({ version, method, url, body, timestamp, signature, secret }: Case): boolean =>
  verifyHubSpot(request(version === 'v3' ? v3(signature, timestamp) : older(version, signature), body, url, method), trust({ secrets: [secret] })).valid;

/** In the words of HubSpot's own library, which is given the URL decoded. */
const told = ({ url, body, timestamp, signature, secret }: Case) => ({ url, requestBody: body.toString(), timestamp: Number(timestamp), signature, clientSecret: secret });

const theirs = (one: Case): boolean => Signature.isValid({ ...told(one), method: one.method, signatureVersion: one.version });
const signed = (one: Case): Case => ({ ...one, signature: Signature.getSignature(one.method, one.version, told(one)) });
const CASE: Case = { version: 'v3', method: 'POST', url: URL, body: Buffer.from('[]'), timestamp: String(NOW.getTime()), signature: '', secret: SECRET };
const sign = (over: Partial<Case> = {}): string => signed({ ...CASE, ...over }).signature;

/** One character of the text is another. */
function otherwise(text: string, place: number, characters = 'xy'): string {
  const at = place % text.length;
  return `${text.slice(0, at)}${text[at] === characters[0] ? characters[1] : characters[0]}${text.slice(at + 1)}`;
}

/** The case with one byte changed, wherever one can be. */
const damaged = (right: Case, place: number, bits: number): Case[] => [
  { ...right, url: otherwise(right.url, place) },
  { ...right, method: 'PUT' },
  { ...right, body: Buffer.from(right.body.map((byte, index) => (index === place % right.body.length ? byte ^ bits : byte))) },
  { ...right, timestamp: otherwise(right.timestamp, 8 + (place % 5), '01') }, // its last digits: less than two minutes off
  { ...right, secret: otherwise(right.secret, place) },
  { ...right, signature: otherwise(right.signature, place) },
  { ...right, signature: right.signature.toUpperCase() },
  { ...right, signature: right.signature.slice(0, -1) },
  { ...right, signature: right.signature.replace(/.(?==$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)) }, // where it is base64, the same bytes written otherwise
];

describe('HubSpot’s signatures', () => {
  test('are right where HubSpot’s own library signed, and with one byte changed as its own library says', () => {
    fc.assert(fc.property(fc.constantFrom('v1', 'v2', 'v3'), fc.string({ unit: 'grapheme' }), fc.nat(), fc.integer({ min: 1, max: 255 }), (version, body, place, bits) => {
      const right = signed({ ...CASE, version, body: Buffer.from(body) });
      expect([ours(right), theirs(right)]).toEqual([true, true]);
      for (const other of damaged(right, place, bits)) expect(ours(other)).toBe(theirs(other));
    }));
  });

  test('are over the URL with twelve characters decoded, and no other', () => {
    const encoded = `${URL}?a=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%25`;
    const decoded = `${URL}?a=:/?@!$'()*,;&b=%20%26%25`;
    expect(verifyHubSpot(request(v3(sign({ url: decoded })), '[]', encoded), trust())).toEqual(VALID);
    expect(verifyHubSpot(request(v3(sign({ url: decodeURIComponent(encoded) })), '[]', encoded), trust())).toEqual(INVALID);
  });

  test('may be under any secret that is active', () => {
    expect(verifyHubSpot(request(v3(sign()), '[]'), trust({ secrets: ['the next', SECRET] }))).toEqual(VALID);
    expect(verifyHubSpot(request(v3(sign()), '[]'), trust({ secrets: [] }))).toEqual(INVALID);
  });

  test('are stale beyond five minutes, of the past and of the future', () => {
    for (const [off, verdict] of [[300_000, VALID], [-300_000, VALID], [300_001, { valid: false, reason: 'stale_timestamp' }], [-300_001, { valid: false, reason: 'stale_timestamp' }]] as const) {
      const timestamp = String(NOW.getTime() + off);
      expect(verifyHubSpot(request(v3(sign({ timestamp }), timestamp), '[]'), trust())).toEqual(verdict === VALID ? { ...VALID, signedAt: new Date(Number(timestamp)) } : verdict);
    }
  });

  test('of older versions do not stand in for a v3 that is wrong', () => {
    const v1 = older('v1', createHash('sha256').update(`${SECRET}[]`).digest('hex'));
    expect(verifyHubSpot(request(v1, '[]'), trust())).toEqual(UNDATED);
    for (const wrong of ['', 'AAAA', sign({ secret: 'another' })]) expect(verifyHubSpot(request({ ...v1, ...v3(wrong) }, '[]'), trust())).toEqual(INVALID);
    for (const version of ['v3', 'v2', '', undefined]) expect(verifyHubSpot(request({ ...v1, 'x-hubspot-signature-version': version }, '[]'), trust())).toEqual(INVALID);
  });

  test('never throw on what they cannot read', () => {
    const anything = fc.option(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.base64String()), { nil: undefined });
    fc.assert(fc.property(anything, anything, anything, anything, fc.uint8Array({ maxLength: 50 }), (a, b, c, d, body) => {
      expect(verifyHubSpot(request({ 'x-hubspot-signature-v3': a, 'x-hubspot-request-timestamp': b, 'x-hubspot-signature': c, 'x-hubspot-signature-version': d }, body, `${URL}?%zz%3A%`), trust())).toEqual(INVALID);
    }), { numRuns: 500 });
  });
});

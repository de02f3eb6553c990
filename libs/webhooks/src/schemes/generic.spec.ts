import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { readInstant } from '../instants.js';
import { verifyGeneric } from './generic.js';
import type { Trust } from './scheme.js';

const NOW = new Date('2026-01-24T18:30:00Z');
const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD28eQ8t5VqLk=';
const trust = (over: Partial<Trust> = {}): Trust => ({ secrets: [SECRET], toleranceSeconds: 300, now: NOW, ...over });
const mac = (timestamp: string, body: Uint8Array, secret = SECRET): Buffer => createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest();
const request = (signature: string | undefined, timestamp: string | undefined, body: Uint8Array) => ({
  headers: { 'x-webhook-signature': signature, 'x-webhook-timestamp': timestamp },
  body: Buffer.from(body),
});

const body = fc.uint8Array({ maxLength: 200 });
const encoding = fc.constantFrom<(m: Buffer) => string>(
  (m) => `sha256=${m.toString('hex')}`,
  (m) => m.toString('hex'),
  (m) => m.toString('base64'),
  (m) => `v1=${m.toString('hex')}`,
  (m) => `sha256=${m.toString('base64')}`,
  (m) => `sha256=${'f'.repeat(64)},sha256=${m.toString('hex')}`,
  (m) => `${'f'.repeat(64)} ${m.toString('hex')}`,
);
const spelling = fc.constantFrom<(at: Date) => string>(
  (at) => String(Math.floor(at.getTime() / 1000)),
  (at) => String(at.getTime()),
  (at) => at.toISOString(),
  (at) => at.toISOString().replace('Z', '+00:00'),
  (at) => at.toISOString().replace(/\.\d+/, '').toLowerCase(),
);

describe('the generic scheme', () => {
  test('takes every way to write a signature and a timestamp', () => {
    fc.assert(fc.property(body, encoding, spelling, fc.integer({ min: -299, max: 299 }), (bytes, write, spell, skew) => {
      const timestamp = spell(new Date(NOW.getTime() + skew * 1000));
      expect(verifyGeneric(request(write(mac(timestamp, bytes)), timestamp, bytes), trust())).toEqual({ valid: true, messageId: null, signedAt: readInstant(timestamp) });
    }));
  });

  test('takes the timestamp beside the signature where the header is missing', () => {
    const timestamp = String(NOW.getTime() / 1000);
    const bytes = Buffer.from('{}');
    expect(verifyGeneric(request(`t=${timestamp},v1=${mac(timestamp, bytes).toString('hex')}`, undefined, bytes), trust()).valid).toBe(true);
  });

  test('refuses another body, another timestamp, another secret', () => {
    fc.assert(fc.property(body, body, encoding, (bytes, other, write) => {
      const timestamp = String(NOW.getTime() / 1000);
      fc.pre(!Buffer.from(bytes).equals(Buffer.from(other)));
      const signature = write(mac(timestamp, bytes));
      const invalid = { valid: false, reason: 'invalid_signature' };
      expect(verifyGeneric(request(signature, timestamp, other), trust())).toEqual(invalid);
      expect(verifyGeneric(request(signature, `${timestamp}000`, bytes), trust())).toEqual(invalid);
      expect(verifyGeneric(request(signature, timestamp, bytes), trust({ secrets: ['another secret'] }))).toEqual(invalid);
      expect(verifyGeneric(request(signature, timestamp, bytes), trust({ secrets: [] }))).toEqual(invalid);
    }));
  });

  test('takes any secret that is active while rotating', () => {
    const timestamp = NOW.toISOString();
    const bytes = Buffer.from('[]');
    const signature = mac(timestamp, bytes, 'the old one').toString('hex');
    expect(verifyGeneric(request(signature, timestamp, bytes), trust({ secrets: ['the new one', 'the old one'] })).valid).toBe(true);
  });

  test('calls a right signature stale when its time is off, either way, and only then', () => {
    fc.assert(fc.property(spelling, fc.integer({ min: 302, max: 100_000 }), fc.boolean(), (spell, off, future) => {
      const timestamp = spell(new Date(NOW.getTime() + (future ? off : -off) * 1000));
      const bytes = Buffer.from('{}');
      const signature = mac(timestamp, bytes).toString('hex');
      expect(verifyGeneric(request(signature, timestamp, bytes), trust())).toEqual({ valid: false, reason: 'stale_timestamp' });
      expect(verifyGeneric(request(signature, timestamp, bytes), trust({ toleranceSeconds: null })).valid).toBe(true);
      expect(verifyGeneric(request('0'.repeat(64), timestamp, bytes), trust())).toEqual({ valid: false, reason: 'invalid_signature' });
    }));
  });

  test('never throws on what it cannot read', () => {
    const anything = fc.option(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('t=', 'v1=', 'sha256=', ',,,', 't=NaN,v1=zz', 'Infinity', '-1', '1e9')), { nil: undefined });
    fc.assert(fc.property(anything, anything, body, (signature, timestamp, bytes) => {
      expect(verifyGeneric(request(signature, timestamp, bytes), trust())).toEqual({ valid: false, reason: 'invalid_signature' });
    }), { numRuns: 1000 });
  });
});

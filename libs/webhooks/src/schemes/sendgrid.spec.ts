import { EventWebhook } from '@sendgrid/eventwebhook';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { readPublicKey, verifySendGrid } from './sendgrid.js';
import type { Trust } from './scheme.js';

const NOW = new Date('2026-01-24T18:30:00Z');
const INVALID = { valid: false, reason: 'invalid_signature' };
const pair = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const shown = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64');
const OURS = pair();
const trust = (over: Partial<Trust> = {}): Trust => ({ secrets: [shown(OURS.publicKey)], toleranceSeconds: 300, now: NOW, ...over });

const request = (signature: string | undefined, timestamp: string | undefined, body: Uint8Array) => ({
  headers: { 'x-twilio-email-event-webhook-signature': signature, 'x-twilio-email-event-webhook-timestamp': timestamp },
  body: Buffer.from(body),
});
const signed = (timestamp: string, body: Uint8Array, key = OURS.privateKey): string => sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), key).toString('base64');

/** What SendGrid's own library says. It takes its time: 24 ms. */
const sdk = new EventWebhook();
const theirs = (signature: string, timestamp: string, body: Buffer): boolean => sdk.verifySignature(sdk.convertPublicKeyToECDSA(shown(OURS.publicKey)), body, signature, timestamp);

const bytes = fc.uint8Array({ maxLength: 300 });
const seconds = (skew: number): string => String(NOW.getTime() / 1000 + skew);

/** A request that SendGrid made, of the tests of its own library. */
const CAPTURED = {
  publicKey: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
  signature: 'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=',
  timestamp: '1600112502',
  body:
    '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",' +
    '"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n',
};

describe('SendGrid’s signature', () => {
  test('of SendGrid itself is right, and not with one byte less', () => {
    const { publicKey, signature, timestamp, body } = CAPTURED;
    const then = trust({ secrets: [publicKey], now: new Date(1600112502_000) });
    expect(verifySendGrid(request(signature, timestamp, Buffer.from(body)), then)).toEqual({ valid: true, messageId: null, signedAt: expect.any(Date) as Date });
    for (const other of [body.replace('\r', ''), body.trimEnd(), body.replace('hello', 'Hello'), ` ${body}`]) expect(verifySendGrid(request(signature, timestamp, Buffer.from(other)), then)).toEqual(INVALID);
    expect(verifySendGrid(request(signature, '1600112503', Buffer.from(body)), then)).toEqual(INVALID);
  });

  test('is right and, with one byte changed, wrong as SendGrid’s own library says', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), fc.integer({ min: 1, max: 255 }), (text, place, bits) => {
      const body = Buffer.from(`${text}\r\n`);
      const right = signed(seconds(0), body);
      const flipped = Buffer.from(body.map((byte, index) => (index === place % body.length ? byte ^ bits : byte)));
      for (const [timestamp, came] of [[seconds(0), body], [seconds(1), body], [seconds(0), flipped], [seconds(0), body.subarray(0, -1)]] as const) {
        expect(verifySendGrid(request(right, timestamp, came), trust()).valid).toBe(theirs(right, timestamp, came));
      }
    }), { numRuns: 5 });
  });

  test('is over the timestamp and the bytes as they came, line ends and all', () => {
    fc.assert(fc.property(bytes, fc.integer({ min: -299, max: 299 }), (body, skew) => {
      const whole = Buffer.concat([body, Buffer.from('\r\n')]); // SendGrid's own end with one
      expect(verifySendGrid(request(signed(seconds(skew), whole), seconds(skew), whole), trust())).toEqual({ valid: true, messageId: null, signedAt: expect.any(Date) as Date });
      expect(verifySendGrid(request(signed(seconds(skew), whole), seconds(skew), body), trust())).toEqual(INVALID);
    }), { numRuns: 50 });
  });

  test('is none with one byte flipped, of body, timestamp or signature', () => {
    fc.assert(fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, place, bits) => {
      fc.pre(body.length > 0);
      const right = signed(seconds(0), body);
      const flipped = (all: Uint8Array): Buffer => Buffer.from(all.map((byte, index) => (index === place % all.length ? byte ^ bits : byte)));
      expect(verifySendGrid(request(right, seconds(0), flipped(body)), trust())).toEqual(INVALID);
      expect(verifySendGrid(request(right, seconds(1), body), trust())).toEqual(INVALID);
      expect(verifySendGrid(request(flipped(Buffer.from(right, 'base64')).toString('base64'), seconds(0), body), trust())).toEqual(INVALID);
      expect(verifySendGrid(request(signed(seconds(0), body, pair().privateKey), seconds(0), body), trust())).toEqual(INVALID);
    }), { numRuns: 50 });
  });

  test('is stale when its timestamp is off, either way, and only where the connection minds', () => {
    for (const skew of [-301, 301, -86_400]) {
      const right = request(signed(seconds(skew), Buffer.from('[]')), seconds(skew), Buffer.from('[]'));
      expect(verifySendGrid(right, trust())).toEqual({ valid: false, reason: 'stale_timestamp' });
      expect(verifySendGrid(right, trust({ toleranceSeconds: null })).valid).toBe(true);
    }
  });

  test('may be of any key that is active while rotating, and of none that is none', () => {
    const right = request(signed(seconds(0), Buffer.from('[]')), seconds(0), Buffer.from('[]'));
    expect(verifySendGrid(right, trust({ secrets: [shown(pair().publicKey), shown(OURS.publicKey)] })).valid).toBe(true);
    for (const key of ['', 'whsec_', 'MFkw', shown(OURS.publicKey).slice(0, -8), shown(pair('P-384').publicKey), shown(generateKeyPairSync('ed25519').publicKey)]) {
      expect(verifySendGrid(right, trust({ secrets: [key] }))).toEqual(INVALID);
    }
  });

  test('whatever stands in the headers, it answers and never throws', () => {
    const anything = fc.option(fc.oneof(fc.string(), fc.base64String({ maxLength: 120 }), fc.constant(seconds(0))), { nil: undefined });
    fc.assert(fc.property(anything, anything, fc.array(fc.oneof(fc.string(), fc.base64String(), fc.constant(shown(OURS.publicKey)))), (signature, timestamp, secrets) => {
      expect(verifySendGrid(request(signature, timestamp, Buffer.from('[]')), trust({ secrets }))).toEqual(INVALID);
    }), { numRuns: 1000 });
  });

  test('a key is read as SendGrid shows it, or as PEM', () => {
    const pem = OURS.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    for (const text of [shown(OURS.publicKey), ` ${shown(OURS.publicKey)}\n`, pem]) expect(readPublicKey(text)?.equals(OURS.publicKey)).toBe(true);
    expect(readPublicKey(OURS.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'))).toBeNull();
  });
});

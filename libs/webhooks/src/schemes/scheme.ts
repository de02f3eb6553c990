import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Normaliser } from '../normalisers/inbound-event.js';

/** What arrived, before anybody has parsed it. */
export interface SignedRequest {
  headers: IncomingHttpHeaders;
  /** The bytes as they came: what was signed. */
  body: Buffer;
}

/** What a signature is held against. */
export interface Trust {
  /** Several while rotating; any of them will do. */
  secrets: readonly string[];
  /** How far the timestamp may lie from now, either way; null switches the check off. */
  toleranceSeconds: number | null;
  now: Date;
}

export type Verdict =
  /** `messageId` is the sender's own id of the message, where the scheme signs one: the same when it is sent again. */
  | { valid: true; messageId: string | null }
  | { valid: false; reason: 'invalid_signature' | 'stale_timestamp' };

/** Says whether a request is from who it claims to be. Never throws: whatever it cannot read is an invalid signature. */
export type Verifier = (request: SignedRequest, trust: Trust) => Verdict;

/** How a provider signs, and what it then says. */
export interface Scheme {
  verify: Verifier;
  normaliser: Normaliser;
}

export const INVALID: Verdict = { valid: false, reason: 'invalid_signature' };

export const hmacSha256 = (key: Uint8Array | string, ...parts: (string | Uint8Array)[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** The verdict on a right signature: its timestamp decides. Asked last, so that only who holds a secret learns about our clock. */
export function fresh(at: Date, { now, toleranceSeconds }: Trust, messageId: string | null = null): Verdict {
  const seconds = Math.abs(now.getTime() - at.getTime()) / 1000;
  if (toleranceSeconds !== null && seconds > toleranceSeconds) return { valid: false, reason: 'stale_timestamp' };
  return { valid: true, messageId };
}

/** A header given once; several are joined by Node, and then mean nothing where one is wanted. */
export const header = (request: SignedRequest, name: string): string | null => {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Normaliser } from '../normalisers/normaliser.js';

/** What arrived, before anybody has parsed it. */
export interface SignedRequest {
  /** In capitals. */
  method: string;
  /** `PUBLIC_URL` and the path and query as they came, byte for byte: what a provider signs is the URL that it was given, whatever `Host` says. */
  url: string;
  headers: IncomingHttpHeaders;
  /** The bytes as they came: what was signed. */
  body: Buffer;
}

/** All that most schemes look at. */
export type Signed = Pick<SignedRequest, 'headers' | 'body'>;

/** What a signature is held against. */
export interface Trust {
  /** Secrets, or public keys where the scheme has these. Several while rotating; any of them will do. */
  secrets: readonly string[];
  /** How far the timestamp may lie from now, either way; null switches the check off. */
  toleranceSeconds: number | null;
  now: Date;
}

export type Verdict =
  /** `messageId` is the sender's own id of the message, where the scheme signs one: the same when it is sent again. `signedAt` is the time that it signs. */
  | { valid: true; messageId: string | null; signedAt: Date | null }
  | { valid: false; reason: 'invalid_signature' | 'stale_timestamp' };

/** Says whether a request is from who it claims to be. Never throws: whatever it cannot read is an invalid signature. */
export type Verifier = (request: SignedRequest, trust: Trust) => Verdict;

/**
 * What a scheme verifies with, and who chooses it:
 * - `shared`: a secret of either's choice, generated unless it is given;
 * - `in_url`: the same, and the provider shows it by posting to a URL that has it (`secret=…`), since it signs nothing;
 * - `of_provider`: a secret that the provider made, so it must be given;
 * - `public_key`: the provider's public key, which must be given.
 */
export type KeyKind = 'shared' | 'in_url' | 'of_provider' | 'public_key';

/** What a provider is answered instead of 202 and the receipt. */
export interface Answer {
  status: 200;
  /** The media type of the body; without one the receipt is the body. */
  type?: string;
  body?: string;
}

/** What the tenant calls itself towards its customers; null where nobody knows the tenant, or it has said nothing. */
export type Brand = () => Promise<string | null>;

/** How a provider signs, what it then says, and what it wants to hear. */
export interface Scheme {
  key: KeyKind;
  /** Whether it signs a timestamp. Without one, what comes again is known by its id alone. */
  timestamped: boolean;
  verify: Verifier;
  /** Of what was verified: two products of a provider may post under one secret. */
  normaliser(request: SignedRequest): Normaliser;
  /** Whether a request shows this scheme's own signs: they decide where no connection says which scheme it is. */
  marks(request: SignedRequest): boolean;
  /** False where the provider may be told to use GET instead of POST: refused, it tells its owner, while a greeting would lose what it said. */
  greets?: false;
  /** @param items of the body */
  answer?(items: readonly unknown[], brand: Brand): Answer | Promise<Answer>;
}

export const INVALID: Verdict = { valid: false, reason: 'invalid_signature' };

/** The verdict on a right signature that is over no time. */
export const UNDATED: Verdict = { valid: true, messageId: null, signedAt: null };

export const hmacSha256 = (key: Uint8Array | string, ...parts: (string | Uint8Array)[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** Whether a signature is the expected text, in constant time. Not whether it decodes to the same bytes: there is more than one base64 of these, and only one is its signer's. */
export function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The verdict on a right signature: its timestamp decides. Asked last, so that only who holds a secret learns about our clock. */
export function fresh(at: Date, { now, toleranceSeconds }: Trust, messageId: string | null = null): Verdict {
  const seconds = Math.abs(now.getTime() - at.getTime()) / 1000;
  if (toleranceSeconds !== null && seconds > toleranceSeconds) return { valid: false, reason: 'stale_timestamp' };
  return { valid: true, messageId, signedAt: at };
}

/** A header given once; several are joined by Node, and then mean nothing where one is wanted. */
export const header = ({ headers }: Pick<Signed, 'headers'>, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** The query of a URL, as it came. */
export const queryOf = (url: string): string => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');

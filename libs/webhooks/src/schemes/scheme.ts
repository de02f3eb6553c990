import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Normaliser } from '../normalisers/normaliser.js';

/** A request before it is parsed. */
export interface SignedRequest {
  /** In capitals. */
  method: string;
  /** `PUBLIC_URL` with the path and query as received, byte for byte: a provider signs the URL that it was given, whatever `Host` says. */
  url: string;
  headers: IncomingHttpHeaders;
  /** The bytes as received, which were signed. */
  body: Buffer;
}

/** The parts that most schemes need. */
export type Signed = Pick<SignedRequest, 'headers' | 'body'>;

/** What a signature is verified with. */
export interface Trust {
  /** Secrets, or public keys if the scheme uses these. Several during a rotation; one must match. */
  secrets: readonly string[];
  /** How many seconds the timestamp may lie before or after now; null disables the check. */
  toleranceSeconds: number | null;
  now: Date;
}

export type Verdict =
  /** `messageId` is the sender's own id of the message, if the scheme signs one: the same when the message is sent again. `signedAt` is the signed timestamp. */
  | { valid: true; messageId: string | null; signedAt: Date | null }
  | { valid: false; reason: 'invalid_signature' | 'stale_timestamp' };

/** Decides whether a request is authentic. Never throws: anything unreadable is an invalid signature. */
export type Verifier = (request: SignedRequest, trust: Trust) => Verdict;

/**
 * What a scheme verifies with, and who chooses it:
 * - `shared`: a secret that either side may choose, generated unless it is given;
 * - `in_url`: the same, but the provider signs nothing and proves it by posting to a URL that contains it (`secret=…`);
 * - `of_provider`: a secret that the provider generates, so it must be given;
 * - `public_key`: the provider's public key, which must be given.
 */
export type KeyKind = 'shared' | 'in_url' | 'of_provider' | 'public_key';

/** An answer for a provider that does not expect 202 and the receipt. */
export interface Answer {
  status: 200;
  /** The media type of the body; without one the receipt is the body. */
  type?: string;
  body?: string;
}

/** The tenant's name as its customers know it; null if the tenant is unknown or has not set one. */
export type Brand = () => Promise<string | null>;

/** How a provider signs, what format it posts, and what answer it expects. */
export interface Scheme {
  key: KeyKind;
  /** Whether it signs a timestamp. Without one, only its id reveals a replayed request. */
  timestamped: boolean;
  verify: Verifier;
  /** The normaliser for a verified request: two products of a provider may post with one secret. */
  normaliser(request: SignedRequest): Normaliser;
  /** Whether a request has this scheme's marks, which decide if no connection names the scheme. */
  marks(request: SignedRequest): boolean;
  /** False if the provider can be configured to send events by GET: a refusal shows its owner the mistake, while an empty 200 would lose the events. */
  greets?: false;
  /** @param items of the body */
  answer?(items: readonly unknown[], brand: Brand): Answer | Promise<Answer>;
}

export const INVALID: Verdict = { valid: false, reason: 'invalid_signature' };

/** The verdict on a valid signature that includes no timestamp. */
export const UNDATED: Verdict = { valid: true, messageId: null, signedAt: null };

export const hmacSha256 = (key: Uint8Array | string, ...parts: (string | Uint8Array)[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** Compares a signature with the expected text in constant time. The decoded bytes are not compared, since several base64 texts decode to the same bytes. */
export function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The verdict on a valid signature, by its timestamp. Checked last, so that only holders of a secret learn about our clock. */
export function fresh(at: Date, { now, toleranceSeconds }: Trust, messageId: string | null = null): Verdict {
  const seconds = Math.abs(now.getTime() - at.getTime()) / 1000;
  if (toleranceSeconds !== null && seconds > toleranceSeconds) return { valid: false, reason: 'stale_timestamp' };
  return { valid: true, messageId, signedAt: at };
}

/** A header that was sent once. Node joins repeated headers into one string, which then matches nothing. */
export const header = ({ headers }: Pick<Signed, 'headers'>, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** The query of a URL, not decoded. */
export const queryOf = (url: string): string => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');

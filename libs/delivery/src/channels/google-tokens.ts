import { createPrivateKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Outcome } from './channel.js';
import { call } from './provider-call.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** How long our assertion is valid, in seconds; Google accepts an hour at most. */
const ASSERTION_S = 3_600;
/** A token is renewed this many milliseconds before it expires, so that a call begun with it can finish. */
const EARLY_MS = 300_000;

/** Our identity to Google: what is needed of the key file that Firebase issues. */
export interface ServiceAccount {
  clientEmail: string;
  /** PEM. */
  privateKey: string;
  projectId: string;
}

/** Access tokens of a service account, requested with an assertion that it signs (RFC 7523); each is used until shortly before it expires. */
export class GoogleTokens {
  private readonly key: KeyObject;
  private current: { token: string; until: number } | null = null;
  private asking: Promise<string | Outcome> | null = null;

  constructor(
    private readonly account: ServiceAccount,
    private readonly url: string,
  ) {
    this.key = serviceAccountKey(account.privateKey);
  }

  /** A token, or the outcome of a message that cannot be sent for want of one. Concurrent callers share one request. */
  token(): Promise<string | Outcome> | string {
    if (this.current !== null && this.current.until > Date.now()) return this.current.token;
    this.asking ??= this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  /** Forgets a refused token, so that a new one is requested. */
  forget(token: string): void {
    if (this.current?.token === token) this.current = null;
  }

  private async ask(): Promise<string | Outcome> {
    const now = Date.now(); // Google checks it against its own clock
    const iat = Math.floor(now / 1000);
    const assertion = jwt.sign({ iss: this.account.clientEmail, scope: SCOPE, aud: this.url, iat, exp: iat + ASSERTION_S }, this.key, { algorithm: 'RS256' });
    const body = new URLSearchParams({ grant_type: GRANT, assertion }).toString();
    const answer = await call('fcm_token', this.url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    if (answer.ok) return this.keep(answer.body, now);
    const { outcome } = answer;
    if (outcome.status === 'retry') return { ...outcome, reached: false };
    return outcome.status === 'unknown' ? { status: 'retry', reason: outcome.reason, reached: false } : { status: 'barred', reason: outcome.reason };
  }

  private keep(body: string, now: number): string | Outcome {
    try {
      const { access_token: token, expires_in } = JSON.parse(body) as { access_token: unknown; expires_in?: unknown };
      if (typeof token !== 'string') throw new Error('no token');
      this.current = { token, until: now + (Number(expires_in) || 0) * 1000 - EARLY_MS };
      return token;
    } catch {
      return { status: 'retry', reason: 'fcm_token_unreadable', reached: false };
    }
  }
}

/** @throws Error when it is not an RSA key in PEM of at least 2048 bits */
export function serviceAccountKey(pem: string): KeyObject {
  const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) throw new Error('No RSA key of 2048 bits');
  return key;
}

import { createPrivateKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Outcome } from './channel.js';
import { call } from './provider-call.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** How long an assertion of ours holds, in seconds; Google takes an hour at most. */
const ASSERTION_S = 3_600;
/** A token is renewed so long before it ends, in milliseconds: a call that begins with it comes to its end. */
const EARLY_MS = 300_000;

/** Who we are to Google: of the key file that Firebase gives, what is needed. */
export interface ServiceAccount {
  clientEmail: string;
  /** PEM. */
  privateKey: string;
  projectId: string;
}

/** Access tokens of a service account, by an assertion that it signs (RFC 7523); each is used until shortly before its end. */
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

  /** A token; or what it means for a message that there is none: nothing of it was sent. Many who ask at once are answered by one call. */
  token(): Promise<string | Outcome> | string {
    if (this.current !== null && this.current.until > Date.now()) return this.current.token;
    this.asking ??= this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  /** Has a token that is refused asked for anew. */
  forget(token: string): void {
    if (this.current?.token === token) this.current = null;
  }

  private async ask(): Promise<string | Outcome> {
    const now = Date.now(); // Google holds it against its own clock
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

/** @throws Error when it is no RSA key in PEM that assertions may be signed with */
export function serviceAccountKey(pem: string): KeyObject {
  const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) throw new Error('No RSA key of 2048 bits');
  return key;
}

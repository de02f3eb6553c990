import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import jwt, { type Algorithm, type JwtHeader } from 'jsonwebtoken';
import { JwksClient, SigningKeyNotFoundError } from 'jwks-rsa';
import { Env } from '#config';
import { Clock, RequestError } from '#kernel';
import { isRole, type Role } from './role.js';

/** Seconds by which the issuer's clock and ours may differ. */
const SKEW = 30;

const TENANT_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._:@/-]{0,127}$/u;

export interface Claims {
  subject: string;
  tenant: string;
  roles: readonly Role[];
}

/**
 * Verifies bearer tokens (RFC 7519, with the advice of RFC 8725). The algorithms follow from what is configured, never
 * from the token: HS256 with JWT_SECRET, RS256 and ES256 with JWT_JWKS_URL. Roles nobody knows are dropped, so they admit to nothing.
 */
@Injectable()
export class TokenVerifier {
  // A KeyObject, built once: jsonwebtoken given a string builds one per call, which costs fifty times the verification.
  private readonly secret: KeyObject | null;
  private readonly jwks: JwksClient | null;
  private readonly publicKeys = new Map<string, KeyObject>();

  constructor(
    private readonly env: Env,
    private readonly clock: Clock,
  ) {
    this.secret = env.JWT_SECRET === undefined ? null : createSecretKey(env.JWT_SECRET, 'utf8');
    this.jwks =
      env.JWT_JWKS_URL === undefined
        ? null
        : new JwksClient({ jwksUri: env.JWT_JWKS_URL, cache: true, cacheMaxAge: 600_000, rateLimit: true, jwksRequestsPerMinute: 10, timeout: 5_000 });
  }

  /** @throws RequestError unauthorized, or unavailable while the key set cannot be fetched */
  async verify(token: string): Promise<Claims> {
    const key = this.secret ?? (await this.publicKey(token));
    const algorithms: Algorithm[] = this.secret !== null ? ['HS256'] : ['RS256', 'ES256'];
    let payload: unknown;
    try {
      payload = jwt.verify(token, key, {
        algorithms,
        issuer: this.env.JWT_ISSUER,
        audience: this.env.JWT_AUDIENCE,
        clockTolerance: SKEW,
        clockTimestamp: Math.floor(this.clock.now().getTime() / 1000),
      });
    } catch (error) {
      throw unauthorized(error instanceof jwt.TokenExpiredError ? 'The token has expired.' : 'The token is not valid.');
    }
    return readClaims(payload);
  }

  private async publicKey(token: string): Promise<KeyObject> {
    const header: JwtHeader | undefined = jwt.decode(token, { complete: true })?.header;
    const kid = typeof header?.kid === 'string' ? header.kid : '';
    const known = this.publicKeys.get(kid);
    if (known !== undefined) return known;
    try {
      const signing = await this.jwks!.getSigningKey(kid === '' ? undefined : kid);
      const key = createPublicKey(signing.getPublicKey());
      if (this.publicKeys.size >= 100) this.publicKeys.clear();
      this.publicKeys.set(kid, key);
      setTimeout(() => this.publicKeys.delete(kid), 600_000).unref(); // a withdrawn key stops working
      return key;
    } catch (error) {
      if (error instanceof SigningKeyNotFoundError || header === undefined) throw unauthorized('The token is not valid.');
      throw new RequestError('unavailable', { detail: 'The key set that verifies tokens cannot be reached.', retryAfter: 5 });
    }
  }
}

function readClaims(payload: unknown): Claims {
  const claims = (typeof payload === 'object' ? payload : null) as Record<string, unknown> | null;
  if (claims === null || typeof claims.exp !== 'number') throw unauthorized('The token must have an expiry (`exp`).');
  if (typeof claims.tenant_id !== 'string' || !TENANT_NAME.test(claims.tenant_id)) throw unauthorized('The token must name a tenant (`tenant_id`).');
  if (typeof claims.sub !== 'string' || claims.sub === '') throw unauthorized('The token must name its subject (`sub`).');
  const named: unknown[] = Array.isArray(claims.roles) ? claims.roles : [claims.role];
  return { subject: claims.sub, tenant: claims.tenant_id, roles: named.filter(isRole) };
}

const unauthorized = (detail: string): RequestError => new RequestError('unauthorized', { detail });

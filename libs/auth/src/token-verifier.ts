import { createSecretKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import jwt, { type Algorithm } from 'jsonwebtoken';
import { Env } from '#config';
import { Clock, isObject, RequestError } from '#kernel';
import { KeySet } from './key-set.js';
import { isRole, type Role } from './role.js';

/** Seconds by which the issuer's clock may differ from ours. */
const SKEW = 30;

const TENANT_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._:@/-]{0,127}$/u;

export interface Claims {
  subject: string;
  tenant: string;
  roles: readonly Role[];
}

/**
 * Verifies bearer tokens (RFC 7519, following RFC 8725). The configuration decides the algorithms, never the token:
 * HS256 with JWT_SECRET, RS256 and ES256 with JWT_JWKS_URL. Unknown roles are dropped, so they grant nothing.
 */
@Injectable()
export class TokenVerifier {
  // A KeyObject, built once: given a string, jsonwebtoken builds one per call, at fifty times the cost of the verification.
  private readonly secret: KeyObject | null;
  private readonly keySet: KeySet | null;

  constructor(
    private readonly env: Env,
    private readonly clock: Clock,
  ) {
    this.secret = env.JWT_SECRET === undefined ? null : createSecretKey(env.JWT_SECRET, 'utf8');
    this.keySet = env.JWT_JWKS_URL === undefined ? null : new KeySet(env.JWT_JWKS_URL, clock);
  }

  /** @throws RequestError unauthorized, or unavailable while the key set cannot be fetched */
  async verify(token: string): Promise<Claims> {
    const header = readHeader(token);
    const key = this.secret ?? (await this.keySet!.find(header.kid));
    if (key === null) throw unauthorized('The token is not valid.');
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
}

/** Explicit types (RFC 8725 §3.11) of tokens for calling an API. Most tokens have none, which is accepted as well. */
const ACCESS_TYPES = new Set(['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt']);

/** What the header says about reading the token. Nothing in it is trusted before the signature is verified, but some of it is reason enough to refuse. */
function readHeader(token: string): { kid?: string } {
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString());
  } catch {
    // not JSON: refused below
  }
  if (!isObject(header)) throw unauthorized('The token is not valid.');
  const { kid, typ, crit, b64 } = header;
  // RFC 7515 §4.1.11: we understand no extensions, and `b64` (which RFC 7797 §7 forbids in tokens) would change how the payload is read.
  if (crit !== undefined || b64 !== undefined) throw unauthorized('The token uses an extension that is not understood.');
  if (typ !== undefined && !(typeof typ === 'string' && ACCESS_TYPES.has(typ.toLowerCase()))) throw unauthorized('The token is of a type that is no access token.');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw unauthorized('The token is not valid.');
  return { kid };
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

import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { RequestError, type Tenant, validationFailed } from '#kernel';
import { Versioned } from './versioned.js';

/** Metadata of a route that takes an Idempotency-Key. */
export const IDEMPOTENT = 'idempotent';

interface KeptAnswer {
  fingerprint: Buffer;
  status: number;
  version: number | null;
  body: unknown;
}

/** Found under the lock: another request with this key committed while we were on our way. */
class AnsweredMeanwhile extends Error {
  constructor(readonly kept: KeptAnswer) {
    super();
  }
}

const HELD = `SELECT fingerprint, status, version, body FROM idempotency_keys
  WHERE tenant_id = $1 AND route = $2 AND key = $3 AND created_at > now() - interval '24 hours'`;

/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first answer is kept in the very transaction that made
 * it true, so that neither a crash nor a race can do the work twice or lose the answer. Only answers that had an effect are
 * kept; a refusal may be retried under the same key.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly database: Database,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    if (key === undefined || !this.reflector.get<boolean>(IDEMPOTENT, context.getHandler())) return next.handle();
    return from(this.once(String(key), request, http.getResponse<FastifyReply>(), () => lastValueFrom(next.handle())));
  }

  private async once(key: string, request: FastifyRequest, reply: FastifyReply, run: () => Promise<unknown>): Promise<unknown> {
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw validationFailed([{ parameter: 'Idempotency-Key', code: 'format', detail: 'Idempotency-Key takes 1 to 255 visible ASCII characters.' }]);
    }
    const { tenant } = request.principal!;
    const route = `${request.method} ${request.url.split('?', 1)[0]}`;
    const fingerprint = createHash('sha256').update(JSON.stringify(request.body ?? null)).digest();
    const [kept] = await this.database.rows<KeptAnswer>(tenant, { text: HELD, values: [tenant.id, route, key], name: 'idempotency_held' });
    if (kept !== undefined) return replay(kept, fingerprint, reply);
    const hooks = {
      begin: (tx: EntityManager) => this.claim(tx, tenant, route, key),
      commit: (tx: EntityManager, result: unknown) => this.keep(tx, tenant, route, key, fingerprint, reply.statusCode, result),
    };
    try {
      return await this.database.withHooks(hooks, run);
    } catch (error) {
      if (error instanceof AnsweredMeanwhile) return replay(error.kept, fingerprint, reply);
      throw error;
    }
  }

  private async claim(tx: EntityManager, tenant: Tenant, route: string, key: string): Promise<void> {
    const [lock] = await tx.query<{ taken: boolean }[]>(`SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken`, [`${tenant.id} ${route} ${key}`]);
    if (!lock?.taken) throw new RequestError('idempotency_in_flight');
    const [kept] = await tx.query<KeptAnswer[]>(HELD, [tenant.id, route, key]);
    if (kept !== undefined) throw new AnsweredMeanwhile(kept);
  }

  private async keep(tx: EntityManager, tenant: Tenant, route: string, key: string, fingerprint: Buffer, status: number, result: unknown): Promise<void> {
    const [body, version] = result instanceof Versioned ? [result.body as unknown, result.version] : [result, null];
    await tx.query(
      `INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status, version, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (tenant_id, route, key) DO UPDATE
         SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version, body = excluded.body, created_at = now()`,
      [tenant.id, route, key, fingerprint, status, version, JSON.stringify(body)],
    );
  }
}

function replay(kept: KeptAnswer, fingerprint: Buffer, reply: FastifyReply): unknown {
  if (!kept.fingerprint.equals(fingerprint)) throw new RequestError('idempotency_key_reused');
  void reply.status(kept.status).header('idempotency-replayed', 'true');
  return kept.version === null ? kept.body : new Versioned(kept.body, kept.version);
}

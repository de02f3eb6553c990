import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { RequestError, validationFailed } from '#kernel';
import { Begun } from './begun.js';
import { printOf } from './body-print.js';
import { Versioned } from './versioned.js';

interface Lock {
  taken: boolean;
}

interface KeptAnswer {
  fingerprint: Buffer;
  status: number;
  version: number | null;
  body: unknown;
  /** The {@link Begun} work may still be running. */
  pending: boolean;
}

/** Somebody has answered already, perhaps a moment ago. */
class Answered extends Error {
  constructor(readonly kept: KeptAnswer) {
    super();
  }
}

/** The tenant's id, the route and the key. */
type Slot = readonly [tenantId: number, route: string, key: string];

const HELD = `SELECT fingerprint, status, version, body, coalesce(pending_until > now(), false) AS pending FROM idempotency_keys
  WHERE tenant_id = $1 AND route = $2 AND key = $3 AND created_at > now() - interval '24 hours'`;

/** Longer than any {@link Begun} work takes. Work that has not finished by then died with its process. */
const WORK = `interval '1 minute'`;

const DONE = 'UPDATE idempotency_keys SET body = $4, pending_until = NULL WHERE tenant_id = $1 AND route = $2 AND key = $3';

const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken';

/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first answer is kept in the transaction that made it true, so
 * that neither a crash nor a race can do the work twice or lose the answer. Only answers that had an effect are kept; a refused
 * request may be retried under the same key. If the effect is a call after the transaction, the transaction keeps a note that it
 * has {@link Begun}.
 *
 * While a file streams in under a key, a lock on that upload turns repeats away early. Safety does not depend on it: that is the
 * claim in the transaction that keeps the answer. The claim has a lock of its own, or a request between the two could turn the first one away.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly database: Database) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    if (key === undefined) return next.handle();
    return from(this.once(String(key), request, http.getResponse<FastifyReply>(), () => lastValueFrom(next.handle())));
  }

  private async once(key: string, request: FastifyRequest, reply: FastifyReply, run: () => Promise<unknown>): Promise<unknown> {
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw validationFailed([{ parameter: 'Idempotency-Key', code: 'format', detail: 'Idempotency-Key takes 1 to 255 visible ASCII characters.' }]);
    }
    const route = `${request.method} ${request.url.split('?', 1)[0]}`;
    const { tenant } = request.principal!;
    const slot: Slot = [tenant.id, route, key];
    const print = printOf(request);
    let begun = false;
    const hooks = {
      lend: async (client: pg.Client) => refuseUnlessTaken((await client.query<Lock>(TRY_LOCK, [`upload ${slot.join(' ')}`])).rows),
      begin: (tx: EntityManager) => this.claim(tx, slot),
      commit: async (tx: EntityManager, result: unknown) => {
        begun = result instanceof Begun;
        await this.keep(tx, slot, await print(), reply.statusCode, result);
      },
    };
    try {
      const [kept] = await this.database.rows<KeptAnswer>(tenant, { text: HELD, values: [...slot], name: 'idempotency_held' });
      if (kept !== undefined) throw new Answered(kept);
      const answer = await this.database.withHooks(hooks, run);
      if (begun) await this.database.inTenant(tenant, (tx) => tx.query(DONE, [...slot, JSON.stringify(answer)]));
      return answer;
    } catch (error) {
      const printed = print(); // also for refusals: a client still sending its body might not read the answer
      if (error instanceof Answered) return replay(error.kept, await printed, reply);
      throw error;
    }
  }

  private async claim(tx: EntityManager, slot: Slot): Promise<void> {
    refuseUnlessTaken(await tx.query<Lock[]>(TRY_LOCK, [slot.join(' ')]));
    const [kept] = await tx.query<KeptAnswer[]>(HELD, [...slot]);
    if (kept !== undefined) throw new Answered(kept);
  }

  private async keep(tx: EntityManager, slot: Slot, fingerprint: Buffer, status: number, result: unknown): Promise<void> {
    const [body, version] = result instanceof Versioned ? [result.body as unknown, result.version] : [result instanceof Begun ? result.untold : result, null];
    await tx.query(
      `INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status, version, body, pending_until) VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN now() + ${WORK} END)
       ON CONFLICT (tenant_id, route, key) DO UPDATE
         SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version, body = excluded.body, pending_until = excluded.pending_until, created_at = now()`,
      [...slot, fingerprint, status, version, JSON.stringify(body), result instanceof Begun],
    );
  }
}

function refuseUnlessTaken([lock]: readonly Lock[]): void {
  if (!lock?.taken) throw new RequestError('idempotency_in_flight');
}

function replay(kept: KeptAnswer, fingerprint: Buffer, reply: FastifyReply): unknown {
  if (!kept.fingerprint.equals(fingerprint)) throw new RequestError('idempotency_key_reused');
  if (kept.pending) throw new RequestError('idempotency_in_flight');
  void reply.status(kept.status).header('idempotency-replayed', 'true');
  return kept.version === null ? kept.body : new Versioned(kept.body, kept.version);
}

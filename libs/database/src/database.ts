import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { DataSource, EntityManager, QueryFailedError } from 'typeorm';
import { Env } from '#config';
import { Tenant } from '#kernel';
import { clientConfig } from './connection-options.js';

/** serialization_failure and deadlock_detected: the same work, done again, may succeed. */
const RETRYABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 5;

const SET_TENANT = `SELECT set_config('app.tenant', $1, true)`;

/** One statement of a read. With a `name` its plan is kept on the connection: for fixed texts only, never for compiled ones. */
export interface Statement {
  text: string;
  values?: unknown[];
  name?: string;
}

/** Runs inside the transaction after its work and before COMMIT, with the work's result. */
export type BeforeCommit = (tx: EntityManager, result: unknown) => Promise<void>;

/** Runs inside the transaction before its work. */
export interface TransactionHooks {
  begin(tx: EntityManager): Promise<void>;
  commit: BeforeCommit;
}

/** The two doors to the tables: {@link inTenant} for work, {@link read} for hot reads. Both set the tenant that row-level security checks. */
@Injectable()
export class Database {
  private readonly hooks = new AsyncLocalStorage<{ hooks: TransactionHooks | null }>();

  constructor(
    private readonly source: DataSource,
    private readonly env: Env,
  ) {}

  /**
   * Runs `work` in one transaction that sees only the tenant's rows, and again (up to five times) when PostgreSQL reports
   * a deadlock or a serialization failure; so `work` must have no effect outside the transaction, and no network call.
   */
  async inTenant<T>(tenant: Tenant, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.transaction(work, tenant);
  }

  /** The same without a tenant, for the few tables that have none (tenants, directories, the queue). Row-level security makes every other table raise. */
  async inNoTenant<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.transaction(work, null);
  }

  /**
   * Reads in one read-only snapshot. BEGIN, the tenant, the statements and COMMIT leave in one packet and are answered in
   * one, which is what keeps row-level security affordable on hot lists: one round trip instead of four.
   *
   * @returns the rows of each statement, in order
   */
  async read<Rows extends unknown[][]>(tenant: Tenant, ...statements: Statement[]): Promise<Rows> {
    const client = await this.pool().connect();
    try {
      const begin = statements.length > 1 ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN READ ONLY';
      const sent = [
        client.query(begin),
        client.query({ name: 'set_tenant', text: SET_TENANT, values: [String(tenant.id)] }),
        ...statements.map((statement) => client.query(statement)),
        client.query('COMMIT'),
      ];
      const settled = await Promise.allSettled(sent);
      const failed = settled.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return settled.slice(2, -1).map((one) => (one as PromiseFulfilledResult<pg.QueryResult>).value.rows) as Rows;
    } finally {
      client.release();
    }
  }

  /** {@link read} of one statement. */
  async rows<Row>(tenant: Tenant, statement: Statement): Promise<Row[]> {
    const [rows] = await this.read<[Row[]]>(tenant, statement);
    return rows;
  }

  /**
   * Lends a client of its own for COPY, in a transaction of the tenant; the pool's connections are pipelined and cannot
   * carry a stream. Commits when `work` resolves.
   */
  async withClient<T>(tenant: Tenant, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(clientConfig(this.env));
    client.on('error', () => undefined); // the statement that was running reports it
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(SET_TENANT, [String(tenant.id)]);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } finally {
      await client.end(); // an open transaction ends with its session
    }
  }

  /**
   * Makes the first transaction that `run` opens carry the hooks, so that what they write commits with its effect or not
   * at all (the Idempotency-Key's answer).
   */
  withHooks<T>(hooks: TransactionHooks, run: () => Promise<T>): Promise<T> {
    return this.hooks.run({ hooks }, run);
  }

  private async transaction<T>(work: (tx: EntityManager) => Promise<T>, tenant: Tenant | null): Promise<T> {
    const scope = this.hooks.getStore();
    const hooks = scope?.hooks ?? null;
    if (scope !== undefined && tenant !== null) scope.hooks = null;
    for (let attempt = 1; ; attempt++) {
      const runner = this.source.createQueryRunner();
      try {
        await runner.startTransaction();
        if (tenant !== null) await runner.query(SET_TENANT, [String(tenant.id)]);
        if (tenant !== null) await hooks?.begin(runner.manager);
        const result = await work(runner.manager);
        if (tenant !== null) await hooks?.commit(runner.manager, result);
        await runner.commitTransaction();
        return result;
      } catch (error) {
        if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined); // the first error is the one to tell
        if (attempt >= ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      } finally {
        await runner.release();
      }
      await sleep(Math.random() * 20 * 2 ** attempt);
    }
  }

  private pool(): pg.Pool {
    return (this.source.driver as unknown as { master: pg.Pool }).master;
  }
}

/** The five-character SQLSTATE of a driver error, however wrapped (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export function sqlState(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The name of the constraint a statement broke, so that a domain can tell which of its rules it was. */
export function brokenConstraint(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return (cause as { constraint?: string } | null)?.constraint;
}

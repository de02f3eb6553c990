import { AsyncLocalStorage } from 'node:async_hooks';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { DataSource, EntityManager, QueryFailedError } from 'typeorm';
import { Env } from '#config';
import { RequestError, Tenant } from '#kernel';
import { clientConfig } from './connection-options.js';

/** serialization_failure and deadlock_detected: a retry may succeed. */
const CONTENTION = new Set(['40001', '40P01']);
const ATTEMPTS = 5;

/** Thrown by work that would have to wait for others who may be waiting for it: retried like a deadlock, but without the second that detecting one takes. */
export class Contention extends Error {
  readonly code = '40001';
}

/**
 * Opens a transaction and sets its tenant in one message. The id is our own integer and stands in the text: a bound value
 * would need the extended protocol, which takes one statement per message.
 */
const begin = (tenant: Tenant | null, mode = ''): string => (tenant === null ? `BEGIN${mode}` : `BEGIN${mode}; SET LOCAL app.tenant = '${Number(tenant.id)}'`);

/** One statement of a read. With a `name` its plan is kept on the connection: only for fixed texts, never for generated ones. */
export interface Statement {
  text: string;
  values?: unknown[];
  name?: string;
}

/** Runs inside the transaction after its work and before COMMIT, with the work's result. */
export type BeforeCommit = (tx: EntityManager, result: unknown) => Promise<void>;

/** Hooks into the transactions of some work; see {@link Database.withHooks}. */
export interface TransactionHooks {
  /** Runs first on a client that {@link Database.withClient} lends: locks it takes are held while the stream is read. */
  lend(client: pg.Client): Promise<void>;
  /** Runs inside the transaction before its work. */
  begin(tx: EntityManager): Promise<void>;
  commit: BeforeCommit;
}

/** A client for one borrower, in a transaction of the tenant, until it is ended. */
export interface LentClient {
  client: pg.Client;
  end(): Promise<void>;
}

/** One tenant may use a quarter of the clients that may be lent to streams. */
const STREAM_SHARE = 4;

/** While a snapshot or an upload lasts, PostgreSQL cannot clear away rows that are deleted or changed: so neither lasts for ever. */
const LONGEST_SNAPSHOT_MS = 30 * 60_000;
const LONGEST_LOAN_MS = 6 * 3_600_000;

/** The two ways to the tables: {@link inTenant} for work, {@link read} for hot reads. Both set the tenant that row-level security checks. */
@Injectable()
export class Database {
  private readonly hooks = new AsyncLocalStorage<{ hooks: TransactionHooks | null }>();
  /** How many clients are lent to streams, per tenant. */
  private readonly streams = new Map<number, number>();

  constructor(
    private readonly source: DataSource,
    private readonly env: Env,
  ) {}

  /**
   * Runs `work` in one transaction that sees only the tenant's rows. When PostgreSQL reports a deadlock or a serialization failure,
   * it runs again, five times in all; so `work` must have no effect outside the transaction, and make no network call.
   */
  async inTenant<T>(tenant: Tenant, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.transaction(work, tenant);
  }

  /** The same without a tenant, for the few tables that have none (tenants, directories, the queue). Row-level security makes every other table raise an error. */
  async inNoTenant<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.transaction(work, null);
  }

  /**
   * Reads in one read-only snapshot. BEGIN, the tenant, the statements and COMMIT leave in one write, which makes row-level security
   * affordable on hot lists. Half of the gain comes from one round trip instead of four, half from one system call instead of five
   * (0.82 × the rate of the bare query, against 0.5 × when pipelined but written one by one).
   *
   * @param tenant null as in {@link inNoTenant}
   * @returns the rows of each statement, in order
   */
  async read<Rows extends unknown[][]>(tenant: Tenant | null, ...statements: Statement[]): Promise<Rows> {
    const client = await this.pool().connect();
    client.on('error', ignore);
    try {
      const mode = statements.length > 1 ? ' ISOLATION LEVEL REPEATABLE READ READ ONLY' : ' READ ONLY';
      holdWrites(client);
      const sent = [client.query(begin(tenant, mode)), ...statements.map((statement) => client.query(statement)), client.query('COMMIT')];
      const settled = await Promise.allSettled(sent);
      const failed = settled.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return settled.slice(1, -1).map((one) => (one as PromiseFulfilledResult<pg.QueryResult>).value.rows) as Rows;
    } finally {
      client.removeListener('error', ignore);
      client.release();
    }
  }

  /** {@link read} of one statement. */
  async rows<Row>(tenant: Tenant | null, statement: Statement): Promise<Row[]> {
    const [rows] = await this.read<[Row[]]>(tenant, statement);
    return rows;
  }

  /**
   * Lends a separate client, in a transaction of the tenant, to work that takes as long as a caller's stream: on the pool, a few
   * slow senders would hold all connections. Commits when `work` resolves. Ends after six hours, or after five minutes without a statement.
   */
  async withClient<T>(tenant: Tenant, work: (client: pg.Client) => Promise<T>, { streaming = false } = {}): Promise<T> {
    const { client, end } = await this.lend(tenant, { streaming });
    try {
      await this.hooks.getStore()?.hooks?.lend(client);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } finally {
      await end();
    }
  }

  /**
   * Lends such a client for reading everything as it is now, for half an hour at most. The borrower ends it.
   */
  snapshot(tenant: Tenant): Promise<LentClient> {
    return this.lend(tenant, { streaming: true, mode: ' ISOLATION LEVEL REPEATABLE READ READ ONLY', longestMs: LONGEST_SNAPSHOT_MS });
  }

  /** @throws RequestError unavailable when as many clients are lent to streams as may be, in all or to the tenant: slow files of one tenant do not hold up the others */
  private async lend(tenant: Tenant, { streaming, mode = '', longestMs = LONGEST_LOAN_MS }: { streaming: boolean; mode?: string; longestMs?: number }): Promise<LentClient> {
    const giveBack = streaming ? this.takeStream(tenant) : () => undefined;
    const client = new pg.Client(clientConfig(this.env));
    client.on('error', () => undefined); // the running statement reports it
    let ended: Promise<void> | undefined;
    const end = (): Promise<void> => {
      clearTimeout(limit);
      return (ended ??= client.end().finally(giveBack)); // an open transaction ends with its session
    };
    const limit = setTimeout(() => void end().catch(() => undefined), longestMs).unref();
    try {
      await client.connect();
      // Waiting for a slow caller is idle time in the transaction; a caller who sends nothing for so long is given up.
      await client.query(`${begin(tenant, mode)}; SET LOCAL idle_in_transaction_session_timeout = '5min'`);
      return { client, end };
    } catch (error) {
      await end().catch(() => undefined);
      throw error;
    }
  }

  private takeStream(tenant: Tenant): () => void {
    const most = this.env.DATABASE_POOL * 2;
    const own = this.streams.get(tenant.id) ?? 0;
    const all = [...this.streams.values()].reduce((sum, one) => sum + one, 0);
    if (all >= most || own >= Math.max(1, most / STREAM_SHARE)) throw new RequestError('unavailable', { detail: 'Too many files are under way.', retryAfter: 5 });
    this.streams.set(tenant.id, own + 1);
    return () => {
      const left = this.streams.get(tenant.id)! - 1;
      if (left === 0) this.streams.delete(tenant.id);
      else this.streams.set(tenant.id, left);
    };
  }

  /**
   * Attaches the hooks to the first {@link inTenant} that `run` opens, so that what they write commits with its effect or not
   * at all (the Idempotency-Key's answer). Reads, and work on a lent client before it, leave the hooks for that transaction.
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
      let begun: Promise<unknown> = Promise.resolve();
      try {
        const client = (await runner.connect()) as pg.PoolClient;
        // Neither awaited nor written at once: BEGIN travels with the first statements, which saves a round trip on every write.
        holdWrites(client);
        begun = client.query(begin(tenant));
        begun.catch(() => undefined);
        Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 }); // as startTransaction() leaves it
        if (tenant !== null) await hooks?.begin(runner.manager);
        const result = await work(runner.manager);
        if (tenant !== null) await hooks?.commit(runner.manager, result);
        await begun;
        await runner.commitTransaction();
        return result;
      } catch (thrown) {
        // Report the first error: those after a BEGIN that failed are only its consequences.
        const error: unknown = await begun.then(() => thrown, (first: unknown) => first);
        if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
        if (attempt >= ATTEMPTS || !isContention(error)) throw error;
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

/**
 * Runs a statement of fixed text in a transaction and keeps its plan on the connection: for many statements that run with every batch, planning takes longer than execution.
 *
 * @param statement its name must belong to this text only
 */
export async function prepared<Row = unknown>(tx: EntityManager, statement: Statement & { name: string }): Promise<Row[]> {
  const client = (await tx.queryRunner!.connect()) as pg.PoolClient;
  return (await client.query(statement)).rows as Row[];
}

/**
 * Runs parts of a transaction that do not depend on each other: their statements leave together, in this order, which saves a round trip for each.
 * Waits for all of them, so that none continues after the transaction has ended.
 *
 * @throws the error that made the other parts fail
 */
export async function together<Parts extends readonly unknown[]>(...parts: Parts): Promise<{ -readonly [Part in keyof Parts]: Awaited<Parts[Part]> }> {
  const settled = await Promise.allSettled(parts);
  const failed = settled.filter((one) => one.status === 'rejected');
  if (failed.length > 0) throw (failed.find(({ reason }) => sqlState(reason) !== '25P02') ?? failed[0]!).reason; // in_failed_sql_transaction: only a consequence of another part's error
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as { -readonly [Part in keyof Parts]: Awaited<Parts[Part]> };
}

/** A broken connection also fails its statements; without a listener, the event would end the process. */
const ignore = (): void => undefined;

/** Everything sent on the connection before the event loop's next turn leaves in one write. */
function holdWrites(client: pg.PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  setImmediate(() => stream.uncork());
}

/** The five-character SQLSTATE of a driver error, however wrapped (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export function sqlState(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the work failed only because of concurrent work: a retry may succeed. */
export const isContention = (error: unknown): boolean => CONTENTION.has(sqlState(error) ?? '');

/** The server ended the connection or accepts none: connection exceptions, shutdowns and restarts, too many connections. */
const UNREACHABLE = /^(08...|57P0[1-3]|53300|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/;

/** pg's own messages where it gives no code. */
const CONNECTION_LOST = /Connection terminated|connection error|not queryable|timeout exceeded when trying to connect/i;

/** Whether the server could not be reached or the connection was lost: then it is unknown whether a COMMIT under way succeeded. */
export function isUnreachable(error: unknown): boolean {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? UNREACHABLE.test(code) : typeof message === 'string' && CONNECTION_LOST.test(message);
}

/** The name of the constraint a statement violated, so that a domain can tell which of its rules it was. */
export function brokenConstraint(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return (cause as { constraint?: string } | null)?.constraint;
}

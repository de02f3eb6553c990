import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Env } from '#config';
import { clientConfig } from '#database';

/** The first key of the locks: any number that no other advisory lock with two keys uses. */
const SESSIONS = 1_935_895_923;

/** A server that restarts drops all locks, and every worker takes its own again: for this long, no worker counts as dead. */
const GRACE = `interval '3 seconds'`;

/** After this long, no claim of a dead worker is left: longer than any lease. */
const FORGOTTEN = `interval '10 minutes'`;

/** With these the server notices in 25 seconds that the machine at the other end is gone, which nothing else tells it. */
const KEEPALIVES = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

const NEXT = `SELECT nextval('worker_session_no')::int AS number`;
const TAKE = 'SELECT pg_try_advisory_lock($1, $2) AS taken';
const REGISTER = 'INSERT INTO worker_sessions (session_no) VALUES ($1) ON CONFLICT (session_no) DO UPDATE SET lost_at = NULL';
const END = 'DELETE FROM worker_sessions WHERE session_no = $1';

const LOOK = `
  SELECT s.session_no, l.objid IS NOT NULL AS alive, (l.objid IS NULL) <> (s.lost_at IS NOT NULL) AS changed, coalesce(l.objid IS NULL AND s.lost_at < now() - ${GRACE}, false) AS lost
    FROM worker_sessions s
    LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid = $1 AND l.objid = s.session_no::oid AND l.objsubid = 2 AND l.granted
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Marks the sessions `$1`, whose lock is gone, and takes the mark off `$2`, whose lock is there again. Says which way, since two workers may have seen the same. */
const MARK = `UPDATE worker_sessions SET lost_at = CASE WHEN session_no = ANY ($1::int[]) THEN coalesce(lost_at, now()) END WHERE session_no = ANY ($1::int[] || $2::int[])`;
const FORGET = `DELETE FROM worker_sessions WHERE lost_at < now() - ${FORGOTTEN}`;

/**
 * Shows the other workers that this one is alive: an advisory lock, on a connection of its own, which the server releases the moment the process
 * is gone, whatever ended it. Rows that a worker claims (of the ledger, lanes to subscribers) name its session, so that those of a dead worker
 * are taken up at once instead of when their lease ends; leases remain for what the server cannot see. A worker wrongly taken for dead must
 * do no harm: before the last step that must not happen twice, a worker checks that the rows are still its own.
 */
@Injectable()
export class WorkerSession implements OnApplicationShutdown {
  private client: pg.Client | null = null;
  private held: number | null = null;
  /** All sessions that this worker has had; no other worker has had one of them. */
  readonly numbers: number[] = [];
  private gone: readonly number[] = [];
  private looking: Promise<void> | null = null;
  private ended = false;

  constructor(private readonly env: Env) {}

  /** The session that rows claimed by this worker are marked with. */
  get number(): number {
    if (this.held === null) throw new Error('the worker has no session');
    return this.held;
  }

  /** The sessions whose workers are gone, as of the last {@link look}. */
  get lost(): readonly number[] {
    return this.gone;
  }

  /** Opens the session, or takes it again if its connection was lost, and checks which others are alive. Concurrent calls share one check. */
  look(): Promise<void> {
    return (this.looking ??= this.lookAround().finally(() => (this.looking = null)));
  }

  /** By now, everything that claims rows has finished. */
  async onApplicationShutdown(): Promise<void> {
    this.ended = true;
    if (this.held !== null) await this.client?.query(END, [this.held]).catch(() => undefined); // if this fails, the others find out by the lock
    await this.drop();
  }

  private async lookAround(): Promise<void> {
    if (this.ended) return;
    try {
      this.client ??= await this.open();
      const { rows } = await this.client.query<{ session_no: number; alive: boolean; changed: boolean; lost: boolean }>({ name: 'worker_sessions_look', text: LOOK, values: [SESSIONS] });
      const changed = (alive: boolean): number[] => rows.filter((row) => row.changed && row.alive === alive).map((row) => row.session_no);
      const marks = [changed(false), changed(true)];
      if (marks.flat().length > 0) await this.client.query(MARK, marks);
      this.gone = rows.filter((row) => row.lost).map((row) => row.session_no);
      if (this.gone.length > 0) await this.client.query(FORGET);
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  private async open(): Promise<pg.Client> {
    const config = clientConfig(this.env);
    const client = new pg.Client({ ...config, options: `${config.options} ${KEEPALIVES}`, application_name: 'marketing-worker', keepAlive: true, connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
    client.on('error', () => {
      if (this.client === client) this.client = null; // reopened by the next look
    });
    try {
      await client.connect();
      if (this.held === null || !(await take(client, this.held))) this.held = await this.begin(client);
      await client.query(REGISTER, [this.held]);
      if (this.ended) throw new Error('the worker has ended');
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  /** A number that no other worker has or had. */
  private async begin(client: pg.Client): Promise<number> {
    for (;;) {
      const { rows } = await client.query<{ number: number }>(NEXT);
      if (!(await take(client, rows[0]!.number))) continue;
      this.numbers.push(rows[0]!.number);
      return rows[0]!.number;
    }
  }

  private async drop(): Promise<void> {
    const { client } = this;
    this.client = null;
    await client?.end().catch(() => undefined);
  }
}

async function take(client: pg.Client, number: number): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(TAKE, [SESSIONS, number]);
  return rows[0]!.taken;
}

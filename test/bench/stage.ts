import { mkdtempSync, rmSync } from 'node:fs';
import { createSecretKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { startPostgres } from '#app/local/src/embedded-postgres';
import { findPostmaster } from '#app/local/src/postmaster';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { type Child, startChild } from './child.js';

/** A PostgreSQL, durable as it ships. */
export interface Server {
  url: string;
  /** Ends it as `pg_ctl` would, and starts it again in the same place; null for a server that is not ours. */
  restart: ((mode: 'fast' | 'immediate') => Promise<void>) | null;
  discard(): Promise<void>;
}

/** A migrated database, and processes in front of it that end with it. */
export interface Stage {
  /** As the owner of the schema, past row-level security. */
  sql: pg.Pool;
  databaseUrl: string;
  start(file: string, ready: string, env: Record<string, string>, flags?: readonly string[]): Promise<Child>;
  close(): Promise<void>;
}

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** A server of its own, or BENCH_DATABASE_URL's. */
export async function openServer(settings: Record<string, string>): Promise<Server> {
  if (process.env.BENCH_DATABASE_URL !== undefined) return { url: process.env.BENCH_DATABASE_URL, restart: null, discard: () => Promise.resolve() };
  const dataDir = mkdtempSync(join(tmpdir(), 'marketing-bench-'));
  const options = { dataDir, settings, log: () => undefined };
  let running = await startPostgres(options);
  return {
    url: running.url,
    restart: async (mode) => {
      const postmaster = await findPostmaster(running.clusterDir);
      if (postmaster !== undefined) process.kill(postmaster.pid, SIGNALS[mode]);
      await running.stop();
      running = await startPostgres({ ...options, port: running.port });
    },
    discard: async () => {
      await running.discard();
      rmSync(dataDir, { recursive: true });
    },
  };
}

export async function openStage(server: Server, database: string): Promise<Stage> {
  await administer(server, `CREATE DATABASE ${database}`);
  const databaseUrl = Object.assign(new URL(server.url), { pathname: `/${database}` }).href;
  const children: Child[] = [];
  const sql = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  sql.on('error', () => undefined); // an idle connection that the database's end closes
  const stage: Stage = {
    sql,
    databaseUrl,
    start: async (file, ready, env, flags = []) => {
      const child = await startChild(file, ready, { DATABASE_URL: databaseUrl, ...env }, flags);
      children.push(child);
      return child;
    },
    close: async () => {
      await Promise.all(children.map((child) => child.stop()));
      await sql.end();
      await administer(server, `DROP DATABASE ${database} WITH (FORCE)`);
    },
  };
  try {
    await migrate(databaseUrl);
    await installQueue(databaseUrl);
    return stage;
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** @returns what provisions a tenant: by its first request */
export function provisioner({ sql }: Stage, api: Child, secret: string, roles = ['marketing']) {
  return async (tenant: string): Promise<{ token: string; tenantId: number }> => {
    const token = jwt.sign({ sub: 'bench', tenant_id: tenant, roles, exp: Math.floor(Date.now() / 1000) + 4 * 3600 }, createSecretKey(secret, 'utf8'));
    await fetch(`${api.url}/api/v1/marketing/settings`, { headers: { authorization: `Bearer ${token}` } });
    const { rows } = await sql.query<{ id: number }>('SELECT id FROM tenants WHERE name = $1', [tenant]);
    return { token, tenantId: rows[0]!.id };
  };
}

async function administer({ url }: Server, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

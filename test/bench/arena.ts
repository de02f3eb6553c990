import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { startPostgres } from '#app/local/src/embedded-postgres';
import { anyFreePort } from '#app/local/src/ports';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import type { Bench } from './bench.js';
import { type Child, startChild, WORKER_FLAGS } from './child.js';

const TENANT = 'bench';

/** As README advises for a million customers. The rest is PostgreSQL's default: durable. */
const SETTINGS = { shared_buffers: '2GB', max_wal_size: '8GB' };

/** A durable PostgreSQL of its own (or BENCH_DATABASE_URL), a migrated database in it, the api as it ships, and the baselines. */
export async function openArena(): Promise<Bench & { close(): Promise<void> }> {
  const server = await postgres();
  const database = `bench_${process.pid}`;
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  const url = Object.assign(new URL(server.url), { pathname: `/${database}` }).href;
  const children: Child[] = [];
  const sql = new pg.Pool({ connectionString: url, max: 2 });
  sql.on('error', () => undefined); // an idle connection that the database's end closes
  const close = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    await sql.end();
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await admin.end();
    await server.discard();
  };
  try {
    await migrate(url);
    await installQueue(url);
    const secret = randomBytes(32).toString('hex');
    const start = async (file: string, ready: string, env: Record<string, string>, flags: readonly string[] = []): Promise<Child> => {
      const child = await startChild(file, ready, { DATABASE_URL: url, ...env }, flags);
      children.push(child);
      return child;
    };
    const smtpPort = await anyFreePort();
    const mail = { SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street, Springfield' };
    const env = { JWT_SECRET: secret, SECRETS_KEY: randomBytes(32).toString('hex'), RATE_LIMIT_RPS: '0', ...mail };
    const api = await start('apps/api/src/main.js', '/health/ready', env);
    const provision = async (tenant: string): Promise<{ token: string; tenantId: number }> => {
      const token = jwt.sign({ sub: 'bench', tenant_id: tenant, roles: ['marketing'], exp: Math.floor(Date.now() / 1000) + 4 * 3600 }, createSecretKey(secret, 'utf8'));
      await fetch(`${api.url}/api/v1/marketing/settings`, { headers: { authorization: `Bearer ${token}` } });
      const { rows } = await sql.query<{ id: number }>('SELECT id FROM tenants WHERE name = $1', [tenant]);
      return { token, tenantId: rows[0]!.id };
    };
    const { token, tenantId } = await provision(TENANT);
    const bare = await start('test/bench/bare-server.js', '/ready', { TENANT_ID: String(tenantId) });
    const startWorker = (): Promise<Child> => start('apps/worker/src/main.js', '/health/ready', env, WORKER_FLAGS);
    return { sql, databaseUrl: url, api, token, tenant: TENANT, tenantId, bare, provision, startWorker, smtpPort, startChild: start, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function postgres(): Promise<{ url: string; discard(): Promise<void> }> {
  if (process.env.BENCH_DATABASE_URL !== undefined) return { url: process.env.BENCH_DATABASE_URL, discard: () => Promise.resolve() };
  const dataDir = mkdtempSync(join(tmpdir(), 'marketing-bench-'));
  const { url, discard } = await startPostgres({ dataDir, settings: SETTINGS, log: () => undefined });
  return {
    url,
    discard: async () => {
      await discard();
      rmSync(dataDir, { recursive: true });
    },
  };
}

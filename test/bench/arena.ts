import { randomBytes } from 'node:crypto';
import { anyFreePort } from '#app/local/src/ports';
import type { Bench } from './bench.js';
import { type Child, WORKER_FLAGS } from './child.js';
import { openServer, openStage, provisioner, type Stage } from './stage.js';

const TENANT = 'bench';

/** As README advises for a million customers. The rest is PostgreSQL's default: durable. */
const SETTINGS = { shared_buffers: '2GB', max_wal_size: '8GB' };

/** A durable PostgreSQL of its own (or BENCH_DATABASE_URL), a migrated database in it, the api as it ships, and the baselines. */
export async function openArena(): Promise<Bench & { close(): Promise<void> }> {
  const server = await openServer(SETTINGS);
  let stage: Stage | undefined;
  const close = async (): Promise<void> => {
    await stage?.close();
    await server.discard();
  };
  try {
    stage = await openStage(server, `bench_${process.pid}`);
    const { sql, databaseUrl, start } = stage;
    const secret = randomBytes(32).toString('hex');
    const secretsKey = randomBytes(32).toString('hex');
    const smtpPort = await anyFreePort();
    const mail = { SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street, Springfield' };
    const env = { JWT_SECRET: secret, SECRETS_KEY: secretsKey, RATE_LIMIT_RPS: '0', ...mail };
    const api = await start('apps/api/src/main.js', '/health/ready', env);
    const provision = provisioner(stage, api, secret, ['tenant_admin']);
    const { token, tenantId } = await provision(TENANT);
    const bare = await start('test/bench/bare-server.js', '/ready', { TENANT_ID: String(tenantId) });
    const startWorker = (): Promise<Child> => start('apps/worker/src/main.js', '/health/ready', env, WORKER_FLAGS);
    return { sql, databaseUrl, api, env, token, tenant: TENANT, tenantId, secretsKey, bare, provision, startWorker, smtpPort, startChild: start, close };
  } catch (error) {
    await close();
    throw error;
  }
}

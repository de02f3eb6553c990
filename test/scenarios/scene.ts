import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Figure } from '#test/bench/bench';
import { type Child, WORKER_FLAGS } from '#test/bench/child';
import { openStage, provisioner, type Server, type Stage } from '#test/bench/stage';
import { Account } from './account.js';

/** A database of its own, the api as it ships in front of it, and as many workers as a scenario starts. */
export interface Scene {
  sql: pg.Pool;
  databaseUrl: string;
  api: Child;
  /** What the api and the workers were started with. */
  env: Record<string, string>;
  /** A new tenant, with an administrator's token. */
  account(name?: string): Promise<Account>;
  startWorker(): Promise<Child>;
  /** Another api, beside the first. */
  startApi(): Promise<Child>;
  /** Null where PostgreSQL is not ours to restart. */
  restartDatabase: Server['restart'];
}

export type OpenScene = (env: Record<string, string>) => Promise<Scene>;

/** Something that happens to a running system, and what must be so all the same. */
export type Scenario = (open: OpenScene) => AsyncIterable<Figure>;

let scenes = 0;

export async function openScene(server: Server, own: Record<string, string>): Promise<Scene & Pick<Stage, 'close'>> {
  const stage = await openStage(server, `scenario_${process.pid}_${scenes++}`);
  try {
    const secret = randomBytes(32).toString('hex');
    const env = {
      JWT_SECRET: secret,
      SECRETS_KEY: randomBytes(32).toString('hex'),
      RATE_LIMIT_RPS: '0',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
      DEFAULT_FROM_EMAIL: 'hello@trattoria.example',
      DEFAULT_POSTAL_ADDRESS: '1 Main Street, Springfield',
      ...own,
    };
    const startApi = (): Promise<Child> => stage.start('apps/api/src/main.js', '/health/ready', env);
    const api = await startApi();
    const provision = provisioner(stage, api, secret, ['tenant_admin']);
    return {
      ...stage,
      api,
      env,
      startApi,
      account: async (name = 'trattoria') => new Account(stage.sql, api.url, { name, ...(await provision(name)) }),
      startWorker: () => stage.start('apps/worker/src/main.js', '/health/ready', env, WORKER_FLAGS),
      restartDatabase: server.restart,
    };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

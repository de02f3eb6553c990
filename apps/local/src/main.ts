import { resolve } from 'node:path';
import { createApp } from '#app/api/src/configure-app';
import { PinoLogger } from '#app/api/src/logger';
import { serveDocs } from '#app/api/src/openapi';
import { type Env, loadEnv } from '#config';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { banner } from './banner.js';
import { seedDemo } from './demo-tenant.js';
import { startPostgres } from './embedded-postgres.js';
import { localSecrets } from './local-secrets.js';
import { mintToken } from './local-token.js';
import { LocalModule } from './local.module.js';
import { startMailCatcher } from './mail-catcher.js';

/** `npm start`: PostgreSQL, mail catcher, api and worker on this machine. Ctrl-C stops all of it; a kill loses nothing. */
const started = performance.now();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What to stop, in the opposite order of starting, and only once however often Ctrl-C is pressed. */
const running: (() => Promise<void>)[] = [];
let stopping: Promise<void> | null = null;
const stopAll = (code: number): Promise<void> =>
  (stopping ??= (async () => {
    for (const stop of running.reverse()) await stop().catch((error: unknown) => say(`While stopping: ${String(error)}`));
    process.exit(code);
  })());
process.on('SIGINT', () => void stopAll(0));
process.on('SIGTERM', () => void stopAll(0));

try {
  const { env, inbox } = await environment();
  const owner = env.MIGRATION_DATABASE_URL ?? env.DATABASE_URL;
  const ran = await migrate(owner);
  await installQueue(owner);
  if (ran.length > 0) say(`Migrated the schema (${ran.length} steps).`);
  const app = await createApp(LocalModule.forRoot(env), new PinoLogger(env.LOG_LEVEL));
  serveDocs(app);
  await app.listen(env.PORT, env.HOST);
  running.push(() => app.close());
  const api = `http://${env.HOST}:${env.PORT}`;
  // With an external key set we cannot make a token, and so cannot fill the demo.
  const token = env.JWT_SECRET === undefined ? null : mintToken(env.JWT_SECRET, 'demo', 'tenant_admin');
  if (env.SEED_DEMO === '1' && token !== null) await seedDemo({ api, token, say });
  say(banner({ api, inbox, token, seconds: (performance.now() - started) / 1000 }));
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  await stopAll(1);
}

/** The operator's settings, completed by what this machine provides. */
async function environment(): Promise<{ env: Env; inbox: string | null }> {
  const given = process.env;
  const dataDir = resolve(given.DATA_DIR || './.data');
  const port = given.PORT || '3000';
  const { JWT_SECRET, SECRETS_KEY } = await localSecrets(dataDir);
  const local: NodeJS.ProcessEnv = {
    ...(!given.JWT_JWKS_URL && { JWT_SECRET }),
    SECRETS_KEY,
    LOG_LEVEL: 'warn',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DEFAULT_FROM_EMAIL: 'hello@trattoria.example',
    DEFAULT_POSTAL_ADDRESS: 'Trattoria Example, 1 Main Street, Springfield',
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')),
    PORT: port,
    DATA_DIR: dataDir,
  };
  if (!local.DATABASE_URL) {
    const postgres = await startPostgres({ dataDir, log: say });
    running.push(() => postgres.stop());
    local.DATABASE_URL = postgres.url;
    say(`PostgreSQL ${postgres.reused ? 'was still running' : 'runs'} on port ${postgres.port}, its data in ${postgres.clusterDir}.`);
  }
  if (local.SMTP_URL) return { env: loadEnv(local), inbox: null };
  const { MAIL_SMTP_PORT, MAIL_UI_PORT } = loadEnv(local);
  const catcher = await startMailCatcher({ smtpPort: MAIL_SMTP_PORT, uiPort: MAIL_UI_PORT, log: say });
  running.push(() => catcher.stop());
  return { env: loadEnv({ ...local, SMTP_URL: catcher.smtpUrl }), inbox: catcher.uiUrl };
}

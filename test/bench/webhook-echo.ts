/**
 * The api as it ships with another inbox: the same route, verification and answer, without a database behind them. Or, with COMMIT_EACH, with
 * one autocommit INSERT a post: what one would write before one thinks of rounds.
 */
import pg from 'pg';
import { ApiModule } from '#app/api/src/api.module';
import { createApp } from '#app/api/src/configure-app';
import { loadEnv } from '#config';
import { Inbox, Senders } from '#webhooks';
import { BARE_INSERT, SECRET } from './webhook-baseline.js';

const env = loadEnv(process.env);
const app = await createApp(ApiModule.forRoot(env), false);
const tenant = { id: Number(process.env.TENANT_ID), name: 'bench' };
const sender = { tenant, connection: null, scheme: 'generic' } as const;
app.get(Senders, { strict: false }).find = (provider) => Promise.resolve({ ...sender, provider, trust: { secrets: [SECRET], toleranceSeconds: 300, now: new Date() } });
const pool = new pg.Pool({ connectionString: env.DATABASE_URL, max: 10 });
app.get(Inbox, { strict: false }).keep = async (_tenant, { items, body }) => {
  if (process.env.COMMIT_EACH === undefined) return { accepted: items.length, duplicates: 0 };
  const { rowCount } = await pool.query({ name: 'keep', text: BARE_INSERT, values: [items[0]!.dedupKey.toString('hex'), body] });
  return { accepted: rowCount!, duplicates: 1 - rowCount! };
};
app.enableShutdownHooks();
await app.listen(env.PORT, env.HOST);

/** The api as it ships, whose inbox keeps nothing: the same route, verification and answer, without a database behind them. */
import { ApiModule } from '#app/api/src/api.module';
import { createApp } from '#app/api/src/configure-app';
import { loadEnv } from '#config';
import { Inbox, Senders } from '#webhooks';
import { SECRET } from './webhook-secret.js';

const env = loadEnv(process.env);
const app = await createApp(ApiModule.forRoot(env), false);
const tenant = { id: Number(process.env.TENANT_ID), name: 'bench' };
const sender = { tenant, connection: null, scheme: 'generic' } as const;
app.get(Senders, { strict: false }).find = (provider) => Promise.resolve({ ...sender, provider, trust: { secrets: [SECRET], toleranceSeconds: 300, now: new Date() } });
app.get(Inbox, { strict: false }).keep = (_tenant, { items }) => Promise.resolve({ accepted: items.length, duplicates: 0 });
app.enableShutdownHooks();
await app.listen(env.PORT, env.HOST);

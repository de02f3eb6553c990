import type pg from 'pg';
import { ApiModule } from '#app/api/src/api.module';
import { createApp } from '#app/api/src/configure-app';
import { startThrowawayPostgres } from '#app/local/src/throwaway-postgres';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { testEnv } from './app.js';
import { administer, databaseUrl } from './database.js';

/**
 * A PostgreSQL for this run (or TEST_DATABASE_URL), and in it one migrated database that every spec copies.
 *
 * @returns what takes it all away again
 */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const postgres = process.env.TEST_DATABASE_URL === undefined ? await startThrowawayPostgres('marketing-test', { settings: { max_connections: 200 } }) : null;
  process.env.TEST_DATABASE_URL ??= postgres!.url;
  process.env.TEST_RUN = `test_${process.pid}`;
  const template = `${process.env.TEST_RUN}_template`;
  await administer((client) => client.query(`CREATE DATABASE ${template}`));
  await migrate(databaseUrl(template));
  await installQueue(databaseUrl(template));
  await makeQueues(databaseUrl(template));
  return async () => {
    if (postgres === null) await administer(dropAll);
    else await postgres.stop(); // and all that is in it goes
  };
}

/** The first start on a database makes the application's queues: done once here, for all copies. */
async function makeQueues(url: string): Promise<void> {
  const app = await createApp(ApiModule.forRoot(testEnv(url)), false);
  await app.init();
  await app.close();
}

async function dropAll(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(`SELECT datname FROM pg_database WHERE datname LIKE $1`, [`${process.env.TEST_RUN}\\_%`]);
  for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
}

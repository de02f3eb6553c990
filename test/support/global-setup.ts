import type pg from 'pg';
import { startThrowawayPostgres } from '#app/local/src/throwaway-postgres';
import { migrate } from '#database';
import { installQueue } from '#jobs';
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
  return async () => {
    if (postgres === null) await administer(dropAll);
    else await postgres.stop(); // and all that is in it goes
  };
}

async function dropAll(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(`SELECT datname FROM pg_database WHERE datname LIKE $1`, [`${process.env.TEST_RUN}\\_%`]);
  for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
}

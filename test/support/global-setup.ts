import { startThrowawayPostgres } from '#app/local/src/throwaway-postgres';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { administer, databaseUrl } from './database.js';

/** A PostgreSQL for this run (or TEST_DATABASE_URL), and in it one migrated database that every worker copies. */
export default async function globalSetup(): Promise<void> {
  if (process.env.TEST_DATABASE_URL === undefined) {
    const postgres = await startThrowawayPostgres('marketing-test', { settings: { max_connections: 200 } });
    process.env.TEST_DATABASE_URL = postgres.url;
    (globalThis as { stopPostgres?: () => Promise<void> }).stopPostgres = () => postgres.stop();
  }
  process.env.TEST_RUN = `test_${process.pid}`;
  const template = `${process.env.TEST_RUN}_template`;
  await administer((client) => client.query(`CREATE DATABASE ${template}`));
  await migrate(databaseUrl(template));
  await installQueue(databaseUrl(template));
}

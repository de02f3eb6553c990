import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '#app/local/src/embedded-postgres';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { administer, databaseUrl } from './database.js';

/** A PostgreSQL for this run (or TEST_DATABASE_URL), and in it one migrated database that every worker copies. */
export default async function globalSetup(): Promise<void> {
  if (process.env.TEST_DATABASE_URL === undefined) {
    const dataDir = mkdtempSync(join(tmpdir(), 'marketing-test-'));
    // A cluster to be thrown away need not survive a power cut.
    const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
    const postgres = await startPostgres({ dataDir, settings, log: () => undefined });
    process.env.TEST_DATABASE_URL = postgres.url;
    (globalThis as { stopPostgres?: () => Promise<void> }).stopPostgres = () => postgres.stop();
  }
  process.env.TEST_RUN = `test_${process.pid}`;
  const template = `${process.env.TEST_RUN}_template`;
  await administer((client) => client.query(`CREATE DATABASE ${template}`));
  await migrate(databaseUrl(template));
  await installQueue(databaseUrl(template));
}

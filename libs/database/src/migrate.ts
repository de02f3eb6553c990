import { DataSource } from 'typeorm';
import { migrations } from './migrations/index.js';

/** Keeps two deployments that start at once from migrating at once. An arbitrary constant of ours. */
const MIGRATION_LOCK = 0x6d61726b;

/**
 * Brings the schema to the newest migration, as its owner; safe to call from several processes at once.
 *
 * @param url connection string of the schema's owner
 * @returns the names of the migrations that were run
 */
export async function migrate(url: string): Promise<string[]> {
  const source = await new DataSource({ type: 'postgres', url, migrations, poolSize: 2, uuidExtension: 'pgcrypto', installExtensions: false }).initialize();
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const ran = await source.runMigrations({ transaction: 'each' });
    return ran.map((migration) => migration.name);
  } finally {
    await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await lock.release();
    await source.destroy();
  }
}

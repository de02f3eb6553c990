import { migrate } from '#database';
import { installQueue } from '#jobs';

/** Brings the schema of DATABASE_URL (or MIGRATION_DATABASE_URL, as its owner) up to date. Run it before the new version starts. */
const url = process.env.MIGRATION_DATABASE_URL ?? process.env.DATABASE_URL;
if (!url) throw new Error('Set DATABASE_URL, or MIGRATION_DATABASE_URL for a login that owns the schema.');
const ran = await migrate(url);
await installQueue(url);
process.stdout.write(ran.length === 0 ? 'The schema is up to date.\n' : `Migrated: ${ran.join(', ')}\n`);

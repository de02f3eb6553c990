import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canEnter, type OsUser } from './postgres-user.js';

/** First where state belongs, then where it at least outlives a restart, then where anyone may write. */
const PARENTS = ['/var/lib', '/var/tmp', '/tmp'];

/**
 * The system-wide folder for what the given user cannot reach inside the checkout or DATA_DIR. Only root needs it.
 * Programs are run from it, so it must be root's alone: in a shared folder anybody may have made it first, and a
 * folder (or a link) that is not ours is passed over rather than trusted.
 */
export async function stateFolder(user: OsUser): Promise<string> {
  for (const parent of PARENTS) {
    const folder = join(parent, 'marketing-crm-api');
    await mkdir(folder).catch(() => undefined);
    const found = await lstat(folder).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    // Entered by the other user, listed and written by us alone, whatever the umask made of it.
    await chmod(folder, 0o711);
    if (await canEnter(user, folder)) return folder;
  }
  throw new Error(`None of ${PARENTS.join(', ')} can hold a folder for PostgreSQL. Set DATABASE_URL instead.`);
}

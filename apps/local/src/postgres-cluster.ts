import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canEnter, ownerOf, postgresUser, runsAsRoot, type OsUser } from './postgres-user.js';
import { stateFolder } from './state-folder.js';
import { createWhole, replaceWhole } from './whole-file.js';

/** What a DATA_DIR remembers of its cluster, in DATA_DIR/pg/cluster.json. */
export interface ClusterMemory {
  /** The password of the superuser `postgres`. */
  password: string;
  /** The last port used, so that tools configured by hand (psql, a GUI) keep working. */
  port?: number;
  /**
   * Names its folder in the system's state folder, should it have to live there. Random, not derived from
   * DATA_DIR's path: a DATA_DIR that is moved still finds its data, and one that is wiped does not get it back.
   */
  id: string;
  /** Set if it does live there. */
  elsewhere?: true;
}

/** Where a cluster lives. `home` belongs to node's user and contains `data`, which belongs to the server's. */
export interface ClusterPlace {
  home: string;
  data: string;
  user: OsUser;
}

/** DATA_DIR/pg, created if absent. */
export async function clusterFolder(dataDir: string): Promise<string> {
  await mkdir(join(dataDir, 'pg'), { recursive: true });
  const folder = await realpath(join(dataDir, 'pg'));
  if (!runsAsRoot() && (await stat(folder)).uid !== process.getuid?.()) {
    throw new Error(`${folder} belongs to another OS user. Start as that user, or set DATA_DIR to a folder of your own.`);
  }
  // Under root, PostgreSQL runs as another user, who must pass through to its own folder inside. Nobody else may list the folder.
  await chmod(folder, runsAsRoot() ? 0o711 : 0o700);
  return folder;
}

export async function recall(folder: string): Promise<ClusterMemory> {
  const file = join(folder, 'cluster.json');
  const fresh: ClusterMemory = { password: randomBytes(24).toString('base64url'), id: randomBytes(8).toString('hex') };
  if (!existsSync(file)) await createWhole(file, JSON.stringify(fresh));
  return JSON.parse(await readFile(file, 'utf8')) as ClusterMemory;
}

export async function remember(folder: string, memory: ClusterMemory): Promise<void> {
  await replaceWhole(join(folder, 'cluster.json'), JSON.stringify(memory));
}

/**
 * Where the cluster is or will be: in DATA_DIR/pg, or in the system's state folder when root has to run PostgreSQL
 * as a user that cannot enter DATA_DIR. An existing cluster is never moved.
 */
export async function clusterPlace(
  folder: string,
  memory: ClusterMemory,
  log: (line: string) => void,
): Promise<ClusterPlace> {
  const inside = join(folder, 'data');
  if (!runsAsRoot()) return { home: folder, data: inside, user: {} };

  if (existsSync(inside)) {
    const user = await ownerOf(inside);
    if (await canEnter(user, inside)) return { home: folder, data: inside, user };
    throw new Error(`The OS user ${user.uid} owns ${inside} but cannot enter it. Open the folders above it (chmod a+x).`);
  }
  const user = await postgresUser();
  if (!memory.elsewhere && (await canEnter(user, folder))) return { home: folder, data: inside, user };

  const home = join(await stateFolder(user), memory.id);
  await mkdir(home, { recursive: true });
  await chmod(home, 0o711);
  memory.elsewhere = true;
  await remember(folder, memory);
  log(`PostgreSQL's OS user (${user.uid}) cannot enter ${folder}, so the database is in ${home}`);
  return { home, data: join(home, 'data'), user };
}

/**
 * Creates the cluster unless it exists. One that exists is complete: it is created beside its place and then renamed.
 * `durable: false` spares the disk, for throwaway clusters.
 */
export async function makeCluster(
  { home, data, user }: ClusterPlace,
  initdb: string,
  { password, durable }: { password: string; durable: boolean },
): Promise<void> {
  await removeDrafts(home);
  if (existsSync(data)) return;
  const draft = await mkdtemp(join(home, DRAFT));
  try {
    const passwordFile = join(draft, 'password');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
    await give(passwordFile, user);
    await give(draft, user);
    await promisify(execFile)(
      initdb,
      [
        `--pgdata=${join(draft, 'data')}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        // The password is random and cannot be guessed: hashing it 4,096 times would only make each connection more expensive, on both ends.
        '--set=scram_iterations=1',
        // PostgreSQL's own C.UTF-8: sorting and case are the same on every machine, whatever locales it has.
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--set=timezone=UTC',
        '--set=log_timezone=UTC',
        '--no-instructions',
        ...(durable ? [] : ['--no-sync']),
      ],
      { ...user, cwd: '/', env: plainEnvironment() },
    );
    await rename(join(draft, 'data'), data);
  } catch (error) {
    throw new Error(`PostgreSQL could not make a cluster in ${home}`, { cause: error });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** For PostgreSQL's programs: without the caller's PGDATA, PGPORT, PGOPTIONS, language or time zone. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

const DRAFT = 'new-';

/** If node was killed, its initdb may still be writing; what it leaves then is removed at the next start. */
async function removeDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith(DRAFT)) await rm(join(home, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function give(path: string, { uid, gid }: OsUser): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

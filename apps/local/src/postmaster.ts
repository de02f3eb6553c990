import { readFile, rm, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterPlace } from './postgres-cluster.js';
import { identifyProcess, type ProcessIdentity } from './process-identity.js';

/** The running server of a cluster, as its first process (PostgreSQL calls it the postmaster). */
export interface Postmaster extends ProcessIdentity {
  port: number;
  /** As PostgreSQL's src/include/utils/pidfile.h has it: starting, ready, stopping, standby. */
  status: string;
}

/**
 * The cluster's running server, if there is one. The lock file alone proves nothing: after a crash it may name
 * nobody, a zombie, or some other program, so the process must also be a postgres on this very data folder.
 */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const lines = await readLock(data);
  const found = await identifyProcess(Number(lines?.[0]));
  if (!lines || !found || !servesCluster(found.command, data)) return undefined;
  return { ...found, port: Number(lines[3]), status: lines[7]?.trim() ?? 'starting' };
}

/**
 * Fast shutdown: open transactions are rolled back, a checkpoint is written. Returns when the process is gone.
 * If it is still there after a minute, it is told to quit at once (the next start then recovers from its log).
 */
export async function stopPostmaster(postmaster: ProcessIdentity): Promise<void> {
  for (const [signal, patience] of [['SIGINT', 60_000], ['SIGQUIT', 15_000]] as const) {
    if (!(await isRunning(postmaster))) return;
    send(postmaster.pid, signal);
    const deadline = Date.now() + patience;
    while (Date.now() < deadline) {
      await sleep(20);
      if (!(await isRunning(postmaster))) return;
    }
  }
  throw new Error(`PostgreSQL (process ${postmaster.pid}) does not stop`);
}

/**
 * Makes a dead server's lock file harmless. PostgreSQL would refuse to start for as long as *any* process has the
 * pid in it, but never takes its own parent, us, for a rival. The file is not simply removed: it also names the dead
 * server's shared memory, by which PostgreSQL sees whether children of that server still write to the cluster.
 * @pre nothing of this cluster runs, see findPostmaster
 */
export async function disarmStaleLock({ data, user }: ClusterPlace): Promise<void> {
  const lines = await readLock(data);
  if (!lines) return;
  const path = lockFile(data);
  // A new file instead of writing to the old one: the folder is another user's, who could have put a link there for root to follow.
  await rm(path);
  if (lines.length < 2) return; // cut short while being written: PostgreSQL would not read it either
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile([process.pid, ...lines.slice(1)].join('\n'));
    if (user.uid !== undefined && user.gid !== undefined) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone between the check and the signal
  }
}

async function isRunning({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(pid))?.startedAt === startedAt;
}

/** Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key and id, status. */
async function readLock(data: string): Promise<string[] | undefined> {
  return readFile(lockFile(data), 'utf8').then(
    (content) => content.split('\n'),
    () => undefined,
  );
}

function lockFile(data: string): string {
  return join(data, 'postmaster.pid');
}

function servesCluster(command: string, data: string): boolean {
  const [program, rest] = command.split(' -D ', 2);
  return program?.endsWith('postgres') === true && (rest === data || rest?.startsWith(`${data} `) === true);
}

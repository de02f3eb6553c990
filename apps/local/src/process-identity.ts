import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Identifies a process, also against a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the system's own notation: only good for comparing. */
  startedAt: string;
  /** The whole command line, joined by spaces. */
  command: string;
}

/**
 * The process with this pid now; undefined when there is none.
 * A zombie does not count: it answers `kill(pid, 0)` but will never do anything again.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? readProc(pid) : askPs(pid);
}

/** proc_pid_stat(5): `pid (name) state …`, the start time is field 22. Slim containers have no ps. */
async function readProc(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, cmdline] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The name may itself contain spaces and parentheses, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    if (!state || !startedAt || isDead(state)) return undefined;
    return { pid, startedAt, command: cmdline.replace(/\0$/, '').replaceAll('\0', ' ') };
  } catch {
    return undefined;
  }
}

/** @internal exported for its test, which runs where /proc would be used. */
export async function askPs(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      'ps',
      ['-ww', '-o', 'state=', '-o', 'lstart=', '-o', 'command=', '-p', String(pid)],
      // Otherwise the date would follow the caller's language and zone, and could not be compared.
      { env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } },
    );
    const [, state, startedAt, command] =
      /^\s*(\S+)\s+(\S+\s+\S+\s+\S+\s+[\d:]+\s+\d{4})\s+(.*)$/.exec(stdout.trimEnd()) ?? [];
    if (!state || !startedAt || isDead(state)) return undefined;
    return { pid, startedAt, command: command ?? '' };
  } catch {
    return undefined; // ps exits with 1 when there is no such process
  }
}

function isDead(state: string): boolean {
  return state.startsWith('Z') || state.toUpperCase().startsWith('X');
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { anyFreePort } from '#app/local/src/ports';

/** A server in a process of its own: what is measured shares no event loop with the client, nor with the other side. */
export interface Child {
  url: string;
  pid: number;
  stop(): Promise<void>;
  /** As a crash would: at once, without a word. */
  kill(): Promise<void>;
}

const DIST = fileURLToPath(new URL('../../', import.meta.url));
const READY_MS = 60_000;

/** As `npm run start:worker` and docker-compose.yml start it. */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=10'];

/**
 * Runs a file of `dist` under this node and waits until it answers at `ready`. BENCH_NODE_OPTIONS reach the child, such as `--cpu-prof`.
 *
 * @throws when it exits instead, or is not ready within a minute
 */
export async function startChild(file: string, ready: string, env: Record<string, string>, shipped: readonly string[] = []): Promise<Child> {
  const port = await anyFreePort();
  const flags = process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [];
  const child = spawn(process.execPath, [...shipped, ...flags, DIST + file], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: String(port), WORKER_PORT: String(port), HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(url + ready, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return { url, pid: child.pid!, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`the server for ${url} exited with ${child.exitCode}`);
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
  }
  throw new Error(`nothing answers at ${url}`);
}

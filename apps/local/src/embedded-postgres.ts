import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeOwnership } from './owner-lock.js';
import { anyFreePort, isPortFree } from './ports.js';
import { postgresBinaries } from './postgres-binaries.js';
import { clusterFolder, clusterPlace, makeCluster, plainEnvironment, recall, remember } from './postgres-cluster.js';
import type { ClusterPlace } from './postgres-cluster.js';
import { disarmStaleLock, findPostmaster, stopPostmaster, type Postmaster } from './postmaster.js';

export interface PostgresOptions {
  /** DATA_DIR. The cluster, its password and its log are in `pg` inside it. */
  dataDir: string;
  /** Require this port. Default: the last one used, or any free one. */
  port?: number;
  /** Server settings, e.g. `{ fsync: 'off' }` for a throwaway cluster. */
  settings?: Record<string, string | number>;
  log(line: string): void;
}

export interface RunningPostgres {
  /** As superuser, to the database `postgres`. */
  url: string;
  port: number;
  /** The server's data folder. Under root it may be outside DATA_DIR. */
  clusterDir: string;
  /** Whether a server that outlived its starter was taken over instead of starting one. */
  reused: boolean;
  /** Fast shutdown; resolves when the server is gone. */
  stop(): Promise<void>;
  /** Stops and deletes the cluster, wherever it is. */
  discard(): Promise<void>;
}

/** How long to wait for obstacles that pass by themselves: a predecessor's last processes, a port just taken. */
const PATIENCE_MS = 15_000;
const PASSES = /lock file|shared memory block|could not bind|could not create any TCP\/IP/i;

/**
 * Starts a private PostgreSQL on 127.0.0.1, with its data in DATA_DIR/pg. It outlives a node that is killed, and the next start
 * finds it and takes it over.
 * @throws when a living process uses this DATA_DIR, or PostgreSQL cannot run here: the message says what to do.
 */
export async function startPostgres({ dataDir, port, settings = {}, log }: PostgresOptions): Promise<RunningPostgres> {
  if (process.platform === 'win32') {
    throw new Error('The embedded PostgreSQL needs Linux or macOS. Set DATABASE_URL, or run under WSL.');
  }
  const folder = await clusterFolder(dataDir);
  const memory = await recall(folder);
  const place = await clusterPlace(folder, memory, log);
  const owner = await takeOwnership(place.home);
  try {
    const binaries = await postgresBinaries(place.user, log);
    await makeCluster(place, binaries.initdb, { password: memory.password, durable: settings.fsync !== 'off' });
    const server = new Server(place, binaries.postgres, settings, join(folder, 'postgres.log'), log);
    const { postmaster, reused } = await server.bringUp(port, memory.port);
    if (postmaster.port !== memory.port) await remember(folder, { ...memory, port: postmaster.port });

    const stop = async () => {
      await server.stop(postmaster);
      await owner.release();
    };
    return {
      url: `postgres://postgres:${memory.password}@127.0.0.1:${postmaster.port}/postgres`,
      port: postmaster.port,
      clusterDir: place.data,
      reused,
      stop,
      discard: async () => {
        await stop();
        await discardPostgres(dataDir);
      },
    };
  } catch (error) {
    await owner.release();
    throw error;
  }
}

/**
 * Deletes the cluster of a DATA_DIR, wherever it is, and stops a server that its killed starter left behind.
 * @throws when a living process uses it
 */
export async function discardPostgres(dataDir: string): Promise<void> {
  const folder = await clusterFolder(dataDir);
  const place = await clusterPlace(folder, await recall(folder), () => undefined);
  const owner = await takeOwnership(place.home);
  try {
    const left = await findPostmaster(place.data);
    if (left) await stopPostmaster(left);
    await rm(place.home, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  } finally {
    await owner.release();
  }
}

/** The server process of one cluster. */
class Server {
  private stopping = false;

  constructor(
    private readonly place: ClusterPlace,
    private readonly program: string,
    private readonly settings: Record<string, string | number>,
    private readonly logFile: string,
    private readonly log: (line: string) => void,
  ) {}

  /** Takes over the running server if it is what we would start; else starts one. */
  async bringUp(fixed?: number, usual?: number): Promise<{ postmaster: Postmaster; reused: boolean }> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const running = await findPostmaster(this.place.data);
      if (running?.status === 'ready' && running.command === this.commandLine(fixed ?? running.port).join(' ')) {
        return { postmaster: running, reused: true };
      }
      if (running?.status === 'starting' && Date.now() < deadline) {
        await sleep(100);
      } else if (running) {
        await stopPostmaster(running);
      } else {
        await disarmStaleLock(this.place);
        const outcome = await this.launch(fixed ?? (await choosePort(usual)));
        if (typeof outcome !== 'string') return { postmaster: outcome, reused: false };
        if (!PASSES.test(outcome) || Date.now() > deadline) {
          throw new Error(`PostgreSQL did not start, see ${this.logFile}:\n${outcome}`);
        }
        await sleep(500);
      }
    }
  }

  async stop(postmaster: Postmaster): Promise<void> {
    this.stopping = true;
    await stopPostmaster(postmaster);
  }

  private commandLine(port: number): string[] {
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...this.settings };
    return [
      this.program,
      ...['-D', this.place.data],
      ...['-p', String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ];
  }

  /**
   * The server once it accepts connections, or what it logged before it gave up.
   * There is no time limit while it is alive: recovery from a crash may take any time.
   */
  private async launch(port: number): Promise<Postmaster | string> {
    const [program = '', ...args] = this.commandLine(port);
    const output = openSync(this.logFile, size(this.logFile) > 10_000_000 ? 'w' : 'a', 0o600);
    const before = size(this.logFile);
    const child = spawn(program, args, {
      ...this.place.user,
      cwd: '/',
      env: plainEnvironment(),
      // A session of its own: Ctrl-C in the terminal reaches only node, which stops the server after its own drain.
      detached: true,
      // A file, not a pipe: a pipe would break when node is killed, while the server lives on.
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.unref();
    let ended: string | undefined;
    child.once('error', (error) => (ended = String(error)));
    child.once('exit', (code, signal) => (ended = `ended with ${code ?? signal}`));
    while (ended === undefined) {
      const postmaster = await findPostmaster(this.place.data);
      if (postmaster?.pid === child.pid && postmaster?.status === 'ready') {
        child.once('exit', () => this.stopping || this.log(`PostgreSQL has ended by itself, see ${this.logFile}`));
        return postmaster;
      }
      await sleep(20);
    }
    return `${readFileSync(this.logFile).subarray(before).toString()}${ended}`;
  }
}

async function choosePort(usual?: number): Promise<number> {
  return usual && (await isPortFree(usual)) ? usual : anyFreePort();
}

function size(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

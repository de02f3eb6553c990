import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from './embedded-postgres.js';

jest.setTimeout(60_000);

const settings = { fsync: 'off' };
let parent: string;
let dataDir: string;
let running: RunningPostgres | undefined;
let children: ChildProcess[];
let lines: string[];
const log = (line: string) => void lines.push(line);

beforeEach(async () => {
  lines = [];
  children = [];
  parent = await realpath(await mkdtemp(join(tmpdir(), 'embedded-postgres-')));
  await chmod(parent, 0o755);
  dataDir = join(parent, 'data');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await running?.discard();
  running = undefined;
  await rm(parent, { recursive: true, force: true });
});

async function start(): Promise<RunningPostgres> {
  return (running = await startPostgres({ dataDir, settings, log }));
}

async function query(sql: string, url = running?.url): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** Another node that starts the cluster and then waits to be killed. */
async function startInChild(): Promise<ChildProcess> {
  const module = join(import.meta.dirname, 'embedded-postgres.js');
  const script = `
    const { startPostgres } = await import(${JSON.stringify(module)});
    const options = ${JSON.stringify({ dataDir, settings })};
    const { url } = await startPostgres({ ...options, log: () => {} });
    process.stdout.write(url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const url = String((await once(child.stdout, 'data'))[0]);
  await query('CREATE TABLE kept AS SELECT 42 AS answer', url);
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

describe('a cluster in DATA_DIR', () => {
  test('keeps data, password and port between starts, and sorts alike on every machine', async () => {
    const first = await start();
    await query('CREATE TABLE kept AS SELECT 42 AS answer');
    expect(await query("SELECT current_setting('listen_addresses') || current_setting('unix_socket_directories')")).toBe('127.0.0.1');
    expect(await query("SELECT concat(datlocprovider, datlocale, current_setting('TimeZone')) FROM pg_database WHERE datname = 'postgres'")).toBe('bC.UTF-8UTC');
    expect((await stat(join(dataDir, 'pg', 'cluster.json'))).mode & 0o777).toBe(0o600);
    await first.stop();

    const second = await start();
    expect(second).toMatchObject({ url: first.url, clusterDir: join(dataDir, 'pg', 'data'), reused: false });
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });

  test('is refused to a second start while the first lives', async () => {
    await start();
    await expect(startPostgres({ dataDir, settings, log })).rejects.toThrow(`in use by process ${process.pid}`);
    expect(await query('SELECT 1')).toBe(1);
  });

  test('is made anew when the first start was killed half-way', async () => {
    await mkdir(join(dataDir, 'pg', 'new-half', 'data'), { recursive: true });
    await writeFile(join(dataDir, 'pg', 'new-half', 'data', 'PG_VERSION'), '18\n');
    await start();
    await expect(stat(join(dataDir, 'pg', 'new-half'))).rejects.toThrow('ENOENT');
  });
});

describe('after a kill -9', () => {
  test('of node, the server that lives on is taken over', async () => {
    await kill(await startInChild(), 'SIGKILL');
    const { reused } = await start();
    expect(reused).toBe(true);
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });

  test('of node, a server with other settings is replaced', async () => {
    await kill(await startInChild(), 'SIGKILL');
    running = await startPostgres({ dataDir, settings: { ...settings, work_mem: '8MB' }, log });
    expect(running.reused).toBe(false);
    expect(await query('SHOW work_mem')).toBe('8MB');
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });

  test.each([
    ['another program', 'echo $$; exec sleep 60'],
    // Nobody waits for the inner sleep, since what becomes its parent does not know of it.
    ['a zombie', 'sleep 0 & echo $!; exec sleep 60'],
  ])('of both, a lock file that now names %s is not taken for a server', async (_, script) => {
    const owner = await startInChild();
    const lock = join(dataDir, 'pg', 'data', 'postmaster.pid');
    const [postmaster, ...rest] = (await readFile(lock, 'utf8')).split('\n');
    await kill(owner, 'SIGKILL');
    process.kill(Number(postmaster), 'SIGKILL');

    // Run as the server's own OS user: that is when PostgreSQL itself would give way to it.
    const { uid, gid } = await stat(join(dataDir, 'pg', 'data'));
    const stranger = spawn('/bin/sh', ['-c', script], { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(stranger);
    const pid = String((await once(stranger.stdout, 'data'))[0]).trim();
    await writeFile(lock, [pid, ...rest].join('\n'));

    const { reused } = await start();
    expect(reused).toBe(false);
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('under root, a DATA_DIR that the OS user postgres cannot enter', () => {
  test('has its cluster elsewhere, says so, and finds it again after a move', async () => {
    await chmod(parent, 0o700);
    const first = await start();
    expect(lines.join()).toContain(`cannot enter ${dataDir}/pg, so the database is in ${join(first.clusterDir, '..')}`);
    await query('CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();

    await chmod(parent, 0o755);
    const second = await start();
    expect(second.clusterDir).toBe(first.clusterDir);
    expect(await query('SELECT answer FROM kept')).toBe(42);

    await second.discard();
    await expect(stat(first.clusterDir)).rejects.toThrow('ENOENT');
    running = undefined;
  });
});

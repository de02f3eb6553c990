import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from './embedded-postgres.js';
import { identifyProcess } from './process-identity.js';
import { startThrowawayPostgres } from './throwaway-postgres.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const settings = { fsync: 'off' };
/** A stopped cluster with a row in it. Most specs begin with a copy: making a new one takes a second each. */
let made: string;
let parent: string;
let dataDir: string;
let running: RunningPostgres | undefined;
let children: ChildProcess[];
let lines: string[];
const log = (line: string) => void lines.push(line);

beforeAll(async () => {
  lines = [];
  made = await temporary();
  const { url, stop } = await startPostgres({ dataDir: made, settings, log });
  await query('CREATE TABLE kept AS SELECT 42 AS answer', url);
  await stop();
});

afterAll(() => rm(made, { recursive: true, force: true }));

beforeEach(async () => {
  lines = [];
  children = [];
  parent = await temporary();
  dataDir = join(parent, 'data');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await running?.discard();
  running = undefined;
  await rm(parent, { recursive: true, force: true });
});

async function temporary(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'embedded-postgres-')));
  await chmod(folder, 0o711);
  return folder;
}

function copyMade(): void {
  execFileSync('cp', ['-a', made, dataDir]);
}

async function start(options: object = {}): Promise<RunningPostgres> {
  return (running = await startPostgres({ dataDir, settings, log, ...options }));
}

async function query(sql: string, url = running?.url): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** Another node that starts the cluster and then waits to be killed. */
async function startInChild(): Promise<ChildProcess> {
  const script = `
    const { startPostgres } = await import(${JSON.stringify(join(import.meta.dirname, 'embedded-postgres.js'))});
    await startPostgres({ ...${JSON.stringify({ dataDir, settings })}, log: () => {} });
    process.stdout.write('started');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function lockFile(): string {
  return join(dataDir, 'pg', 'data', 'postmaster.pid');
}

describe('a cluster in DATA_DIR', () => {
  test('listens on this machine only, sorts alike everywhere, keeps its password to its owner', async () => {
    const { url } = await start();
    expect(await query("SELECT concat(current_setting('listen_addresses'), current_setting('unix_socket_directories'))")).toBe('127.0.0.1');
    expect(await query("SELECT concat(datlocprovider, datlocale, pg_encoding_to_char(encoding)) FROM pg_database WHERE datname = 'postgres'")).toBe('bC.UTF-8UTF8');
    expect(await query('SHOW timezone')).toBe('UTC');
    expect((await stat(join(dataDir, 'pg', 'cluster.json'))).mode & 0o777).toBe(0o600);
    await expect(query('SELECT 1', url.replace(/:[^:@]+@/, ':guess@'))).rejects.toThrow('password authentication failed');
  });

  test('is out of reach of a Ctrl-C, which goes to the process group', async () => {
    copyMade();
    await start();
    const postmaster = Number.parseInt(await readFile(lockFile(), 'utf8'));
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(postmaster)]);
    expect(Number(String(group))).toBe(postmaster);
  });

  test('keeps data, password and port between starts', async () => {
    copyMade();
    const first = await start();
    expect(await query('SELECT answer FROM kept')).toBe(42);
    await query('UPDATE kept SET answer = 43');
    await first.stop();
    expect(await start()).toMatchObject({ url: first.url, clusterDir: join(dataDir, 'pg', 'data'), reused: false });
    expect(await query('SELECT answer FROM kept')).toBe(43);
  });

  test('takes another port when its own has been taken', async () => {
    copyMade();
    const first = await startPostgres({ dataDir: made, settings, log });
    try {
      const { port } = await start();
      expect(port).not.toBe(first.port);
      expect(await query('SELECT answer FROM kept')).toBe(42);
    } finally {
      await first.stop();
    }
  });

  test('is refused to a second start while the first lives', async () => {
    copyMade();
    await start();
    await expect(startPostgres({ dataDir, settings, log })).rejects.toThrow(`in use by process ${process.pid}`);
    expect(await query('SELECT 1')).toBe(1);
  });

  test('is made anew when the first start was killed half-way', async () => {
    const half = join(dataDir, 'pg', 'new-half');
    await mkdir(join(half, 'data'), { recursive: true });
    await writeFile(join(half, 'data', 'PG_VERSION'), '18\n');
    await start();
    await expect(stat(half)).rejects.toThrow('ENOENT');
  });

  test('says why it does not start', async () => {
    copyMade();
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow('invalid value for parameter "shared_buffers"');
    await start();
  });
});

describe('after a kill -9', () => {
  beforeEach(copyMade);

  test('of node, the server that lives on is taken over', async () => {
    await kill(await startInChild());
    expect((await start()).reused).toBe(true);
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });

  test('of node, a server with other settings is replaced', async () => {
    await kill(await startInChild());
    expect((await start({ settings: { ...settings, work_mem: '8MB' } })).reused).toBe(false);
    expect(await query('SHOW work_mem')).toBe('8MB');
    expect(await query('SELECT answer FROM kept')).toBe(42);
  });

  test.each([
    ['another program', 'echo $$; exec sleep 60'],
    // Nobody waits for the inner sleep, since what becomes its parent does not know of it.
    ['a zombie', 'sleep 0 & echo $!; exec sleep 60'],
  ])('of both, a lock file that now names %s is not taken for a server', async (_, script) => {
    const owner = await startInChild();
    const [postmaster, ...rest] = (await readFile(lockFile(), 'utf8')).split('\n');
    await kill(owner);
    process.kill(Number(postmaster), 'SIGKILL');

    // Run as the server's own OS user: that is when PostgreSQL itself would give way to it.
    const { uid, gid } = await stat(lockFile());
    const stranger = spawn('/bin/sh', ['-c', script], { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(stranger);
    const pid = String((await once(stranger.stdout, 'data'))[0]).trim();
    await writeFile(lockFile(), [pid, ...rest].join('\n'));

    expect((await start()).reused).toBe(false);
    expect(await query('SELECT answer FROM kept')).toBe(42);
    expect(await identifyProcess(stranger.pid!)).toBeDefined(); // nor is it stopped in the server's place
  });
});

describe('a throwaway cluster', () => {
  test('is gone when stopped, and so is what a killed run left', async () => {
    const name = `throwaway-${process.pid}`;
    const left = (dataDir = join(tmpdir(), `${name}-killed`));
    copyMade();
    await kill(await startInChild());
    const postmaster = Number.parseInt(await readFile(lockFile(), 'utf8'));
    const anHourAgo = Date.now() / 1000 - 3600;
    await utimes(left, anHourAgo, anHourAgo);

    const { url, clusterDir, stop } = await startThrowawayPostgres(name);
    expect(await query('SHOW fsync', url)).toBe('off');
    await expect(stat(left)).rejects.toThrow('ENOENT');
    expect(await identifyProcess(postmaster)).toBeUndefined();
    await stop();
    await expect(stat(clusterDir)).rejects.toThrow('ENOENT');
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('under root, a DATA_DIR that the OS user postgres cannot enter', () => {
  test('has its cluster elsewhere, says so, and finds it again', async () => {
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
    running = undefined;
    await expect(stat(first.clusterDir)).rejects.toThrow('ENOENT');
  });
});

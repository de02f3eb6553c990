import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { anyFreePort } from '#app/local/src/ports';
import { Jobs } from '#jobs';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { newTenant, TEST_SECRET, token } from './support/tokens.js';

const CUSTOMERS = 16_000;

/** Rows of a chunk. */
const CHUNK = 1000;

describe('a process that is killed in the middle of an import', () => {
  let app: TestApp;
  let imports: TestImports;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    app = await startApp();
    imports = new TestImports(app, newTenant());
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await app.close();
  });

  const start = async (process_: 'api' | 'worker', env: Record<string, string>): Promise<ChildProcess> => {
    const secrets = { JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal' };
    const child = spawn(process.execPath, [`dist/apps/${process_}/src/main.js`], { env: { PATH: process.env.PATH, DATABASE_URL: await specDatabase(), ...secrets, ...env }, stdio: 'inherit' });
    children.push(child);
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  test('the worker: the import goes on by itself, and no row takes effect twice', async () => {
    const rows = function* () {
      yield 'customer_id,email,loyalty_points,consents.email.status\n';
      for (let n = 0; n < CUSTOMERS; n++) yield `c${n},${n % 50 === 7 ? 'nobody' : `c${n}@example.com`},${n},${n % 2 === 0 ? 'subscribed' : 'unsubscribed'}\n`;
      for (let n = 0; n < 500; n++) yield `c${n * 20},,${n + 1},\n`; // customers of the first chunks again
    };
    const { id } = (await (await imports.upload(Readable.from(rows(), { objectMode: false }))).json()) as { id: string };

    const letGo = await imports.holdAt(3 * CHUNK);
    const killed = await start('worker', { WORKER_PORT: '0' });
    await eventually(async () => expect(await imports.held()).toHaveLength(1), { within: 30_000 });
    await kill(killed);
    await letGo();
    const bad = (2 * CHUNK) / 50;
    expect(await imports.get(id)).toMatchObject({ status: 'running', finished_at: null, processed: 2 * CHUNK, created: 2 * CHUNK - bad, updated: 0, rejected: bad });
    expect([await imports.count('customers'), await imports.count('consent_log'), await imports.count('import_errors')]).toEqual([2 * CHUNK - bad, 2 * CHUNK - bad, bad]);

    // The dead worker's silence is waited for, by moving its last sign of life rather than the clock of another process.
    await app.sql(`UPDATE pgboss.job SET heartbeat_on = now() - interval '1 hour' WHERE name = 'customer-import' AND state = 'active'`);
    await app.nest.get(Jobs).boss.supervise('customer-import');
    const worker = await start('worker', { WORKER_PORT: '0' });
    const done = await imports.completed(id, 60_000);
    const rejected = CUSTOMERS / 50;
    expect(done).toMatchObject({ total_rows: CUSTOMERS + 500, processed: CUSTOMERS + 500, created: CUSTOMERS - rejected, updated: 500, rejected });
    expect(await imports.count('customers')).toBe(CUSTOMERS - rejected);
    expect(await imports.count('consent_log')).toBe(CUSTOMERS - rejected);
    expect(await imports.count('import_errors')).toBe(rejected);
    expect((await imports.report(id, 'rejected')).trim().split('\n')).toHaveLength(1 + rejected);
    expect(await app.sql('SELECT version, count(*)::int FROM customers GROUP BY 1 ORDER BY 1')).toEqual([{ version: 1, count: CUSTOMERS - rejected - 500 }, { version: 2, count: 500 }]);
    await kill(worker);
  }, 120_000);

  test('the api: nothing is left of the upload, and it can be sent again under its key', async () => {
    const before = await imports.count('imports');
    const port = await anyFreePort();
    const api = await start('api', { PORT: String(port), HOST: '127.0.0.1' });
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).ok).toBe(true), { within: 30_000 });
    const never = new Promise<void>(() => undefined);
    const half = async function* () {
      yield `customer_id\n${Array.from({ length: 5000 }, (_, n) => `half-${n}\n`).join('')}`;
      await never;
    };
    const headers = { 'content-type': 'text/csv', 'idempotency-key': 'half', authorization: `Bearer ${token(imports.tenant, ['marketing'])}` };
    const broken = fetch(`http://127.0.0.1:${port}/api/v1/marketing/customers/import`, { method: 'POST', headers, body: half() as never, duplex: 'half' });
    broken.catch(() => undefined);
    const sessions = () => app.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%INTO import_chunks%' AND state LIKE 'idle in transaction%'`);
    await eventually(async () => expect(await sessions()).toHaveLength(1), { within: 20_000 });
    await kill(api);
    await expect(broken).rejects.toThrow();
    await eventually(async () => expect(await sessions()).toEqual([]));
    expect([await imports.count('imports'), await imports.count('import_chunks')]).toEqual([before, 0]);
    expect((await imports.upload('customer_id\nhalf-1\n', '', { headers: { 'idempotency-key': 'half' } })).status).toBe(202);
  }, 60_000);
});

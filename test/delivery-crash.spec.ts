import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { layCable } from './support/cable.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { TEST_SECRET } from './support/tokens.js';

const RECIPIENTS = 600;

describe('a worker that is killed in the middle of a campaign', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let worker: ChildProcess | undefined;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({ env: { SMTP_URL: smtp.url } });
  });
  afterAll(async () => {
    worker?.kill('SIGKILL');
    await app.close();
    await smtp.close();
  });

  const startWorker = async (port: string): Promise<ChildProcess> => {
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: await specDatabase(),
      WORKER_PORT: port,
      JWT_SECRET: TEST_SECRET,
      SECRETS_KEY: 'ab'.repeat(32),
      LOG_LEVEL: 'fatal',
      SMTP_URL: smtp.url,
      DEFAULT_FROM_EMAIL: 'hello@trattoria.example',
      DEFAULT_POSTAL_ADDRESS: '1 Main Street',
    };
    return spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'inherit' });
  };

  test('leaves everybody accounted for once, and nobody written to twice', async () => {
    const mailings = await Mailings.of(app);
    const numbers = await mailings.crowd(RECIPIENTS);
    const mailing = await mailings.start(CONTENT, numbers);

    // From some point on the server has the text and does not answer: there the worker is killed.
    const silence = Promise.withResolvers<void>();
    smtp.beforeReply = () => (smtp.recipients.length > RECIPIENTS / 4 ? silence.promise : undefined);
    worker = await startWorker('0');
    const killed = once(worker, 'exit');
    await eventually(() => expect(smtp.recipients.length).toBeGreaterThan(RECIPIENTS / 4), { within: 25_000 });
    worker.kill('SIGKILL');
    await killed;
    smtp.beforeReply = undefined;
    silence.resolve();
    const torn = await mailings.ledger(mailing);
    expect(torn.map(({ status }) => status)).toEqual(expect.arrayContaining(['accepted', 'calling', 'pending']));
    expect(torn.filter(({ status }) => status === 'calling').length).toBeLessThanOrEqual(100);

    worker = await startWorker('0'); // which sees that the other is gone, minutes before its leases end
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 40_000 });
    const exited = once(worker, 'exit');
    worker.kill('SIGTERM');
    await exited;

    expect(new Set(smtp.recipients).size).toBe(smtp.recipients.length);
    const rows = await mailings.ledger(mailing);
    expect(rows).toHaveLength(RECIPIENTS);
    const written = new Set(smtp.recipients);
    for (const { customer_no, status } of rows) {
      const address = `guest${customer_no}@example.com`;
      if (status === 'accepted') expect(written).toContain(address);
      else expect(status).toBe('unknown');
      written.delete(address);
    }
    expect(written.size).toBe(0);
    const unknown = rows.filter(({ status }) => status === 'unknown').length;
    expect(unknown).toBeGreaterThan(0);
    expect(unknown).toBeLessThanOrEqual(100);
    expect(await mailings.counters(mailing)).toEqual({ sent: RECIPIENTS - unknown, delivered: RECIPIENTS - unknown, unknown });
  }, 90_000);
});

test('a worker that loses its connection to the server takes its session again, and gives it back in the end', async () => {
  const app = await startApp({ worker: true });
  const sessions = () => app.sql<{ session_no: number; holder: number | null; lost: boolean }>(`
    SELECT session_no, lost_at IS NOT NULL AS lost,
           (SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.objid = session_no::oid) AS holder
      FROM worker_sessions ORDER BY session_no`);
  let ended = false;
  try {
    const [mine] = await eventually(async () => {
      const rows = await sessions();
      expect(rows.at(-1)).toEqual({ session_no: expect.any(Number), holder: expect.any(Number), lost: false });
      return rows.slice(-1);
    });
    await app.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'marketing-worker'`);
    await eventually(async () => {
      const again = (await sessions()).at(-1)!;
      expect(again).toEqual({ ...mine, holder: expect.any(Number) });
      expect(again.holder).not.toBe(mine!.holder); // which lives on for a moment
    }, { within: 3_000 });
    const url = await specDatabase();
    ended = true;
    await app.close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    expect((await client.query('SELECT 1 FROM worker_sessions WHERE session_no = $1', [mine!.session_no])).rowCount).toBe(0);
    await client.end();
  } finally {
    if (!ended) await app.close();
  }
}, 30_000);

test('what a server says while PostgreSQL is away is written down when it is back', async () => {
  const cable = await layCable(await specDatabase());
  const smtp = await startSmtp();
  const app = await startApp({ worker: true, env: { ...SENDER_ENV, SMTP_URL: smtp.url, DATABASE_URL: cable.url } });
  try {
    const mailings = await Mailings.of(app);
    const said = Promise.withResolvers<void>();
    smtp.beforeReply = () => said.promise;
    const mailing = await mailings.start(CONTENT, await mailings.crowd(10)); // as many as there are connections to the server
    await eventually(() => expect(smtp.recipients).toHaveLength(10));
    cable.cut();
    said.resolve();
    await sleep(1_000);
    cable.mend();
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ status }) => status)).toEqual(Array(10).fill('accepted')));
    await mailings.finished(mailing);
    expect(smtp.recipients).toHaveLength(10);
  } finally {
    cable.mend();
    await app.close();
    await smtp.close();
    await cable.close();
  }
}, 30_000);

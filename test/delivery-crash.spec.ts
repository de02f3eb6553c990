import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
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

    // The leases of the dead are waited for, by moving their end rather than the clock of another process.
    await app.sql(`UPDATE deliveries SET lease_until = now() WHERE tenant_id = $1 AND status IN ('claimed', 'calling')`, [mailings.tenant.id]);
    worker = await startWorker('0');
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

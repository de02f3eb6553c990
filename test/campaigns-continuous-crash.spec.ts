import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { SENDER_ENV } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { TEST_SECRET } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const WAVES = 4;
const WAVE = 60;

describe('a continuous campaign whose workers are killed', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let worker: ChildProcess | undefined;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({ env: { SMTP_URL: smtp.url, ...SENDER_ENV } });
  });
  afterAll(async () => {
    worker?.kill('SIGKILL');
    await app.close();
    await smtp.close();
  });

  const startWorker = async (): Promise<ChildProcess> => {
    const env = { PATH: process.env.PATH, DATABASE_URL: await specDatabase(), WORKER_PORT: '0', JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal', SMTP_URL: smtp.url, ...SENDER_ENV };
    return spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'inherit' });
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(worker!, 'exit');
    worker!.kill(signal);
    await exited;
  };

  test('reaches everybody who enters, and nobody twice', async () => {
    const list = (await app.api().POST(SEGMENTS, { body: { name: 'List', type: 'static' } })).data!.id;
    const body = { name: 'Welcome', type: 'onboarding' as const, channels: ['email' as const], segment_id: list, content: { subject: 'Hi', body: 'Hi' }, delivery_mode: 'continuous' as const };
    const campaign_id = (await app.api().POST('/api/v1/marketing/campaigns', { body })).data!.id;
    expect((await app.api().POST('/api/v1/marketing/campaigns/{campaign_id}/start', { params: { path: { campaign_id } } })).response.status).toBe(200);
    const states = async () => new Map((await app.sql<{ status: string; n: number }>('SELECT status, count(*)::int AS n FROM deliveries WHERE campaign_no = (SELECT campaign_no FROM mailings WHERE campaign_id = $1) GROUP BY 1', [campaign_id])).map(({ status, n }) => [status, n]));

    for (let wave = 0; wave < WAVES; wave++) {
      worker = await startWorker();
      const customer_ids = Array.from({ length: WAVE }, (_, at) => `guest-${wave}-${at}`);
      await addCustomers(app, customer_ids.map((id) => ({ id, email: `${id}@example.com` })));
      for (let from = 0; from < WAVE; from += 10) {
        await app.api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id: list } }, body: { customer_ids: customer_ids.slice(from, from + 10) } });
      }
      const before = smtp.recipients.length;
      await eventually(() => expect(smtp.recipients.length).toBeGreaterThan(before), { within: 25_000 });
      await sleep(wave * 15); // killed earlier or later in what it does
      await stop('SIGKILL');
    }
    await app.sql(`UPDATE deliveries SET lease_until = now() WHERE status IN ('claimed', 'calling')`); // those who wait for the dead need not
    await app.sql(`UPDATE pgboss.job SET heartbeat_on = now() - interval '1 hour' WHERE state = 'active'`);
    worker = await startWorker();
    await eventually(async () => {
      const now = await states();
      expect(Object.fromEntries(now)).toEqual({ accepted: WAVES * WAVE - (now.get('unknown') ?? 0), ...(now.has('unknown') && { unknown: now.get('unknown') }) });
    }, { within: 90_000 });
    expect(new Set(smtp.recipients).size).toBe(smtp.recipients.length);
    expect((await states()).get('unknown') ?? 0).toBeLessThanOrEqual(100 * WAVES);
    expect(smtp.recipients.length).toBeGreaterThanOrEqual((await states()).get('accepted')!);
    await stop('SIGTERM');
  }, 180_000);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { TEST_SECRET } from './support/tokens.js';

const RECIPIENTS = 300;

describe('workers that are killed as a test is decided', () => {
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

  async function startWorker(): Promise<void> {
    const env = {
      PATH: process.env.PATH, DATABASE_URL: await specDatabase(), WORKER_PORT: '0', JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal', SMTP_URL: smtp.url,
      DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street',
    };
    worker = spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'inherit' });
  }
  async function kill(): Promise<void> {
    const killed = once(worker!, 'exit');
    worker!.kill('SIGKILL');
    await killed;
  }

  test('leave the winner found once, and nobody without a message or with two', async () => {
    const mailings = await Mailings.of(app);
    const variants = ['a', 'b'].map((id) => ({ id, weight: 1, content: { subject: `Subject ${id}` } }));
    const options = { variants, ab_test: { sample_percent: 30, metric: 'opened', wait_minutes: 60 } } as const;
    const mailing = await mailings.start(CONTENT, await mailings.crowd(RECIPIENTS), { options: options });
    const one = [mailings.tenant.id, mailing.campaignNo];
    const test = async () => (await app.sql<{ ab_test: { winner?: string; sample_sent_at?: string; decided_at?: string } }>('SELECT ab_test FROM mailings WHERE tenant_id = $1 AND campaign_no = $2', one))[0]!.ab_test;
    await startWorker();
    await eventually(async () => expect((await test()).sample_sent_at).toBeDefined(), { within: 25_000 });
    const sampled = smtp.recipients.length;
    expect(sampled).toBeLessThan(RECIPIENTS / 2);
    const sample = new Map((await mailings.ledger(mailing)).flatMap(({ customer_no, variant }) => (variant === null ? [] : [[customer_no, variant]])));
    expect(sample.size).toBe(sampled);
    const opened = (await mailings.ledger(mailing)).filter(({ variant }) => variant === 'b').slice(0, 3);
    for (const { customer_no } of opened) await mailings.receive(mailing, customer_no, 'opened');

    // Its hour comes: the worker has counted, is writing the winner down, and is killed before it can commit.
    const holder = new pg.Client({ connectionString: await specDatabase() });
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(4242)');
    await app.sql(`
      CREATE FUNCTION hold_winner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4242); RETURN NEW; END $$;
      CREATE TRIGGER hold_winner AFTER UPDATE ON mailings FOR EACH ROW WHEN (NEW.ab_test ? 'winner') EXECUTE FUNCTION hold_winner()`);
    await app.sql(`UPDATE mailings SET ab_test = ab_test || '{"decides_at": "2020-01-01T00:00:00Z"}' WHERE tenant_id = $1 AND campaign_no = $2`, one);
    const deciding = () => app.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%UPDATE mailings SET claims_from%' AND datname = current_database()`);
    await eventually(async () => expect(await deciding()).toHaveLength(1));
    await kill();
    await app.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%UPDATE mailings SET claims_from%' AND datname = current_database()`);
    await eventually(async () => expect(await deciding()).toHaveLength(0));
    await holder.end();
    await app.sql('DROP TRIGGER hold_winner ON mailings; DROP FUNCTION hold_winner');
    expect([(await test()).winner, smtp.recipients.length]).toEqual([undefined, sampled]);

    // The next one finds the winner, and is killed while the rest gets it.
    const silence = Promise.withResolvers<void>();
    smtp.beforeReply = () => (smtp.recipients.length > sampled + 40 ? silence.promise : undefined);
    await startWorker();
    await eventually(() => expect(smtp.recipients.length).toBeGreaterThan(sampled + 40), { within: 25_000 });
    const found = await test();
    expect(found).toMatchObject({ winner: 'b', reason: 'best' });
    await kill();
    smtp.beforeReply = undefined;
    silence.resolve();

    await startWorker();
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 25_000 });
    expect(await test()).toEqual(found);
    expect(new Set(smtp.recipients).size).toBe(smtp.recipients.length);
    const rows = await mailings.ledger(mailing);
    expect(rows).toHaveLength(RECIPIENTS);
    expect(rows.filter(({ status }) => status !== 'accepted' && status !== 'unknown')).toEqual([]);
    for (const { customer_no, variant } of rows) expect([customer_no, variant]).toEqual([customer_no, sample.get(customer_no) ?? 'b']);
  }, 90_000);
});

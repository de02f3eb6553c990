import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { Delivery } from '#delivery';
import { Promos } from '#promos';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV } from './support/mailings.js';
import { TEST_SECRET } from './support/tokens.js';

/** One chunk of the snapshot, and a second one that is begun. */
const GUESTS = 20_500;
const GATE = 4_711;

describe('a worker that is killed while it gives codes to an audience', () => {
  let app: TestApp;
  let gate: pg.Client;
  let worker: ChildProcess | undefined;
  beforeAll(async () => {
    app = await startApp({ env: SENDER_ENV });
    gate = new pg.Client({ connectionString: await specDatabase() });
    await gate.connect();
  });
  afterAll(async () => {
    worker?.kill('SIGKILL');
    await gate.end();
    await app.close();
  });

  const startWorker = async (): Promise<void> => {
    const env = { PATH: process.env.PATH, DATABASE_URL: await specDatabase(), WORKER_PORT: '0', JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal', ...SENDER_ENV };
    worker = spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'inherit' });
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(worker!, 'exit');
    worker!.kill(signal);
    await exited;
  };

  test('leaves each customer with exactly one, and none without its row of the ledger', async () => {
    const mailings = await Mailings.of(app);
    const numbers = await mailings.crowd(GUESTS);
    const { promoId, code } = await mailings.inTenant<{ promoId: string; code: string }>((tx) => app.nest.get(Promos, { strict: false }).attachToCampaign(tx, mailings.tenant, { code: 'FLASH25', percent: 25, validFrom: null, validUntil: null }));
    const mailing = await mailings.start(CONTENT, numbers, { promoId, promoCode: code, channels: ['email', 'sms'], options: { unique_promo_codes: true } });
    await mailings.inTenant((tx) => app.nest.get(Delivery).pause(tx, mailings.tenant, mailing.campaignNo)); // nobody is written to yet

    // The second chunk waits: with its codes half made, or when all of it is written and is to be committed.
    const last = numbers.toSorted((a, b) => a - b)[20_250]!;
    await app.sql(`CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.customer_no = ${last} THEN PERFORM pg_advisory_xact_lock_shared(${GATE}); END IF; RETURN NEW; END $$`);
    const gates = { promo_codes: 'CREATE TRIGGER wait_at_gate BEFORE INSERT ON promo_codes', deliveries: 'CREATE CONSTRAINT TRIGGER wait_at_gate AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED' };
    await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
    const standing = async () => (await app.sql<{ customers: number; codes: number; owners: number; orphans: number }>(
      `SELECT (SELECT count(DISTINCT customer_no)::int FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2) AS customers,
              count(*)::int AS codes, count(DISTINCT customer_no)::int AS owners,
              (count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = $2 AND d.customer_no = c.customer_no)))::int AS orphans
         FROM promo_codes c WHERE tenant_id = $1 AND campaign_no = $2`, [mailings.tenant.id, mailing.campaignNo]))[0];
    const waiting = () => app.sql(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted`);
    for (const [table, trigger] of Object.entries(gates)) {
      await app.sql(`${trigger} FOR EACH ROW EXECUTE FUNCTION wait_at_gate()`);
      await startWorker();
      await eventually(async () => expect(await waiting()).toHaveLength(1), { within: 60_000 });
      await stop('SIGKILL');
      expect(await standing()).toEqual({ customers: 20_000, codes: 20_000, owners: 20_000, orphans: 0 });
      await app.sql(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted`); // what the network does to the dead's connection
      await app.sql(`UPDATE pgboss.job SET heartbeat_on = now() - interval '1 hour' WHERE state = 'active'`); // who waits for the dead need not
      await app.sql(`DROP TRIGGER wait_at_gate ON ${table}`);
    }
    await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
    const kept = await app.sql('SELECT customer_no, code FROM promo_codes WHERE tenant_id = $1 AND customer_no <= $2 ORDER BY 1', [mailings.tenant.id, numbers.toSorted((a, b) => a - b)[19_999]]);
    await startWorker();
    await eventually(async () => expect(await standing()).toEqual({ customers: GUESTS, codes: GUESTS, owners: GUESTS, orphans: 0 }), { within: 40_000 });
    await stop('SIGTERM');
    expect(await app.sql('SELECT customer_no, code FROM promo_codes WHERE tenant_id = $1 AND customer_no <= $2 ORDER BY 1', [mailings.tenant.id, numbers.toSorted((a, b) => a - b)[19_999]])).toEqual(kept);
  }, 240_000);
});

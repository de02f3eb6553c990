import pg from 'pg';
import { encodeDeliveryId } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;

describe('two workers at one campaign', () => {
  let smtp: TestSmtp;
  let first: TestApp;
  let mailings: Mailings;
  const running = new Set<TestApp>();
  beforeEach(async () => {
    smtp = await startSmtp();
    first = await start();
    mailings = await Mailings.of(first, newTenant());
  });
  afterEach(async () => {
    await Promise.all([...running].map(stop));
    await smtp.close();
  });
  const start = async (): Promise<TestApp> => {
    const app = await startApp({ worker: true, env: { SMTP_URL: smtp.url, ...SENDER_ENV } });
    running.add(app);
    return app;
  };
  /** Lets what is under way in it come to its end. */
  const stop = (app: TestApp): Promise<void> => (running.delete(app), app.close());
  const api = () => first.api(['tenant_admin'], mailings.tenant.name);

  test('who decide a test at the same moment find one winner, who goes to each of the rest once', async () => {
    const second = await start();
    const variants = ['a', 'b'].map((id) => ({ id, weight: 1, content: { subject: `Subject ${id}` } }));
    const body = { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: await mailings.segmentId(await mailings.crowd(60)), content: CONTENT, variants, ab_test: { sample_percent: 50, metric: 'clicked', wait_minutes: 60 } };
    const { id } = (await api().POST(PATH, { body: body as never })).data!;
    const campaign = { params: { path: { campaign_id: id } } };
    expect((await api().POST(`${ONE}/start`, campaign)).response.status).toBe(200);
    await eventually(async () => expect((await api().GET(ONE, campaign)).data!.ab_test!.sample_sent_at).not.toBeNull());
    await first.sql(`
      CREATE TABLE decisions (ab_test jsonb);
      CREATE FUNCTION note_decision() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO public.decisions VALUES (NEW.ab_test); RETURN NULL; END $$;
      CREATE TRIGGER note_decision AFTER UPDATE ON mailings FOR EACH ROW WHEN (NEW.ab_test ? 'winner' AND NEW.ab_test IS DISTINCT FROM OLD.ab_test) EXECUTE FUNCTION note_decision();`);
    const holder = new pg.Client({ connectionString: await specDatabase() });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM mailings WHERE campaign_id = $1 FOR UPDATE', [id]);
      for (const app of [first, second]) app.clock.advance(61 * 60_000);
      await eventually(async () => expect(await first.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE mailings SET claims_from%'`)).toHaveLength(2));
      await holder.query('COMMIT');
    } finally {
      await holder.end();
    }
    await eventually(async () => expect((await api().GET(ONE, campaign)).data!.status).toBe('completed'));
    expect(await first.sql('SELECT * FROM decisions')).toHaveLength(1);
    expect([smtp.recipients.length, new Set(smtp.recipients).size]).toEqual([60, 60]);
  });

  test('what one hears late of a message that was taken from it does not touch the other’s call', async () => {
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    smtp.beforeReply = () => answers[smtp.recipients.length - 1]!.promise;
    const mailing = await mailings.start(CONTENT, await mailings.named('ada'));
    await eventually(() => expect(smtp.recipients).toHaveLength(1));
    const [{ held_by }] = (await mailings.ledger(mailing)) as unknown as [{ held_by: number }];
    const second = await start();
    await first.sql(`UPDATE deliveries SET lease_until = 'epoch' WHERE tenant_id = $1`, [mailings.tenant.id]);
    await eventually(async () => expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'unknown', reason: 'worker_lost' }]));
    const [{ customer_no: customerNo }] = (await mailings.ledger(mailing)) as unknown as [{ customer_no: number }];
    const delivery_id = encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' });
    const { response } = await second.api(['tenant_admin'], mailings.tenant.name).POST(`${ONE}/deliveries/{delivery_id}/resend`, { params: { path: { campaign_id: mailing.campaignId, delivery_id } } });
    expect(response.status).toBe(200);
    await eventually(() => expect(smtp.recipients).toHaveLength(2)); // by the second: the first still waits
    answers[0]!.reject(Object.assign(new Error('No such user'), { responseCode: 550 }));
    await stop(first);
    const [row] = (await calls(second)) as [{ status: string; held_by: number }];
    expect([row.status, row.held_by === held_by]).toEqual(['calling', false]);
    answers[1]!.resolve();
    await eventually(async () => expect(await calls(second)).toMatchObject([{ status: 'accepted', reason: null, attempts: 2 }]));
  });

  const calls = (app: TestApp) => app.sql('SELECT status, held_by, reason, attempts FROM deliveries WHERE tenant_id = $1', [mailings.tenant.id]);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { EntityManager } from 'typeorm';
import { PersonalData } from '#customers';
import { Database } from '#database';
import { InboxRetention } from '#webhooks';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

type Provider = 'sendgrid' | 'twilio' | 'mailchimp' | 'hubspot';

const EVENTS = '/api/v1/marketing/webhooks/{provider}/events';
const CUSTOMER = '/api/v1/marketing/customers/{customer_id}';

const statusesOf = (app: TestApp, tenant: string) =>
  app.sql<{ status: string; reason: string | null; n: number }>(
    `SELECT status, reason, count(*)::int AS n FROM webhook_events e JOIN tenants t ON t.id = e.tenant_id WHERE t.name = $1 GROUP BY 1, 2 ORDER BY 1, 2`, [tenant]);

describe('webhook events', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const put = (tenant: string, customer_id: string, body: object) => app.api(['marketing'], tenant).PUT(CUSTOMER, { params: { path: { customer_id } }, body });
  const get = async (tenant: string, customer_id: string) => (await app.api(['marketing'], tenant).GET(CUSTOMER, { params: { path: { customer_id } } })).data;
  const events = async (tenant: string, provider: Provider) => (await app.api(['marketing'], tenant).GET(EVENTS, { params: { path: { provider } } })).data!.data;
  const replay = (tenant: string, provider: Provider, event_id: string) =>
    app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/{event_id}/replay', { params: { path: { provider, event_id } } });
  const settled = (tenant: string, provider: Provider) =>
    eventually(async () => {
      const all = await events(tenant, provider);
      expect(all.filter((one) => one.status === 'pending')).toEqual([]);
      return all;
    });

  test('an opt-out closes consent and address at once, a later opt-in opens them, an earlier one does not', async () => {
    const tenant = newTenant();
    await put(tenant, 'ada', { email: 'ada@example.com' });
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    const tell = (event_type: string, at: string) => sender.post({ event_type, email: 'Ada@Example.com', timestamp: at });
    const consent = async () => (await get(tenant, 'ada'))!.consents.email;
    const suppressed = () => app.sql(`SELECT reason FROM suppressions s JOIN tenants t ON t.id = s.tenant_id WHERE t.name = $1`, [tenant]);

    await tell('unsubscribed', '2026-01-24T18:30:00Z');
    await eventually(async () => expect(await consent()).toMatchObject({ status: 'unsubscribed', source: 'webhook:mailchimp', at: '2026-01-24T18:30:00.000Z' }), { within: 3000 });
    expect(await suppressed()).toEqual([{ reason: 'unsubscribed' }]);
    await tell('subscribed', '2026-01-23T18:30:00Z');
    await settled(tenant, 'mailchimp');
    expect((await consent()).status).toBe('unsubscribed');
    await tell('subscribed', '2026-01-25T18:30:00Z');
    await eventually(async () => expect((await consent()).status).toBe('subscribed'));
    expect(await suppressed()).toEqual([]);
  });

  test('an opt-out of an address nobody has stays taken back, also when it is heard again, or only then', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    const tell = async (name: string, event_type: string, secondsAgo: number) => {
      await sender.post({ event_type, email: `${name}@example.com`, timestamp: new Date(app.clock.now().getTime() - secondsAgo * 1000).toISOString() });
      await settled(tenant, 'mailchimp');
    };
    await tell('again', 'unsubscribed', 100);
    const [first] = await settled(tenant, 'mailchimp');
    await tell('again', 'subscribed', 50);
    await replay(tenant, 'mailchimp', first!.id);
    await settled(tenant, 'mailchimp');
    await tell('late', 'subscribed', 50);
    await tell('late', 'unsubscribed', 100);
    await tell('later', 'subscribed', 50);
    await tell('later', 'unsubscribed', 40);
    const consents = await Promise.all(['again', 'late', 'later'].map(async (name) => {
      await put(tenant, name, { email: `${name}@example.com` });
      return [name, (await get(tenant, name))!.consents.email.status];
    }));
    expect(consents).toEqual([['again', 'unknown'], ['late', 'unknown'], ['later', 'unsubscribed']]);
  });

  test('an opt-out that says no time is of when it was signed, however late it comes', async () => {
    const tenant = newTenant();
    await put(tenant, 'ada', { email: 'ada@example.com' });
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    const now = Math.floor(app.clock.now().getTime() / 1000);
    const tell = async (event_type: string, at: number) => {
      await sender.post({ event_type, email: 'ada@example.com' }, { timestamp: String(at) });
      await settled(tenant, 'mailchimp');
      return (await get(tenant, 'ada'))!.consents.email;
    };
    expect(await tell('unsubscribed', now - 40)).toMatchObject({ status: 'unsubscribed', at: new Date((now - 40) * 1000).toISOString() });
    expect((await tell('subscribed', now - 20)).status).toBe('subscribed');
    expect((await tell('unsubscribed', now - 30)).status).toBe('subscribed');
    expect(await tell('unsubscribed', now - 10)).toMatchObject({ status: 'unsubscribed', at: new Date((now - 10) * 1000).toISOString() });
  });

  test('an opt-out of what is no address is none, and says so', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    await sender.post([{ event_type: 'unsubscribed', email: 'not an address' }, { event_type: 'unsubscribed', email: 'Ada <ada@example.com>' }, { event_type: 'unsubscribed', phone: '12' }]);
    expect((await settled(tenant, 'mailchimp')).map(({ status, reason }) => `${status} ${reason}`)).toEqual(Array(3).fill('failed invalid_address'));
  });

  test('an opt-out of an address nobody has holds for whoever comes with it', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    await sender.post({ event_type: 'email.unsubscribed', email: 'later@example.com', campaign_id: 'camp_of_another_system' });
    expect(await settled(tenant, 'sendgrid')).toMatchObject([{ status: 'processed' }]);
    await put(tenant, 'late', { email: 'later@example.com' });
    expect((await get(tenant, 'late'))!.consents.email.status).toBe('unsubscribed');
  });

  test('the last word of a batch counts, whatever its order', async () => {
    const tenant = newTenant();
    await put(tenant, 'ada', { email: 'ada@example.com', phone: '+14155552671' });
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    await sender.post([
      { event_type: 'subscribed', email: 'ada@example.com', timestamp: '2026-01-03T00:00:00Z' },
      { event_type: 'unsubscribed', customer_id: 'ada', email: 'ada@example.com', timestamp: '2026-01-02T00:00:00Z' },
      { event_type: 'sms.unsubscribed', phone: '+14155552671', timestamp: '2026-01-02T00:00:00Z' },
      { event_type: 'campaign_sent', campaign_id: 'mc_1' },
      { event_type: 'subscribed', email: 'nobody@example.com' },
    ]);
    expect((await settled(tenant, 'mailchimp')).map((one) => `${one.type} ${one.status} ${one.reason}`).sort()).toEqual([
      'campaign_sent processed null', 'sms.unsubscribed processed null', 'subscribed processed null', 'subscribed unmatched unknown_customer', 'unsubscribed processed null',
    ]);
    expect((await get(tenant, 'ada'))!.consents).toMatchObject({ email: { status: 'subscribed' }, sms: { status: 'unsubscribed' } });
  });

  test('a contact made elsewhere becomes a customer, once, and completes one that is known', async () => {
    const tenant = newTenant();
    await put(tenant, 'ada', { email: 'ada@example.com', city: 'Bonn' });
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    await sender.post([
      { event_type: 'contact_created', email: 'ada@example.com', first_name: 'Ada' },
      { event_type: 'contact_created', customer_id: 'hs_7', email: 'grace@example.com', last_name: 'Hopper' },
      { event_type: 'contact_created', email: 'new@example.com', event_id: 1 },
      { event_type: 'form_submitted', email: 'new@example.com', phone: '+1 415 555 2671', event_id: 2 },
      { event_type: 'form_submitted', email: 'no address', event_id: 3 },
      { event_type: 'form_submitted', event_id: 4 },
    ]);
    expect((await settled(tenant, 'hubspot')).filter((one) => one.status === 'unmatched').map((one) => one.reason)).toEqual(['no_person', 'no_person']);
    expect(await get(tenant, 'ada')).toMatchObject({ first_name: 'Ada', city: 'Bonn', email: 'ada@example.com' });
    expect(await get(tenant, 'hs_7')).toMatchObject({ last_name: 'Hopper', email: 'grace@example.com' });
    const made = await app.sql(`SELECT customer_id, email, phone FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1 AND customer_id LIKE 'hubspot%'`, [tenant]);
    expect(made).toEqual([{ customer_id: expect.stringMatching(/^hubspot_[0-9a-z]{26}$/), email: 'new@example.com', phone: '+14155552671' }]);
  });

  test('a contact is held to the rules of customers: an id that is none is refused, another member left out', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const contact = (customer_id: string, over: object = {}) => ({ event_type: 'contact_created', customer_id, email: 'eve@example.com', ...over });
    expect(await sender.post(contact('bad\u0007id'))).toMatchObject({ status: 400, body: { errors: [{ pointer: '/customer_id', code: 'invalid_customer_id' }] } });
    await sender.post([contact('..'), contact('x'.repeat(201)), contact('eve', { first_name: 'Eve\r\nBcc: all@example.com', last_name: ' Moneypenny ', phone: '12' })]);
    expect((await settled(tenant, 'hubspot')).map(({ status, reason }) => `${status} ${reason}`).sort()).toEqual(['failed invalid_customer_id', 'failed invalid_customer_id', 'processed null']);
    expect(await get(tenant, 'eve')).toMatchObject({ email: 'eve@example.com', first_name: null, last_name: 'Moneypenny', phone: null });
    expect(await app.sql(`SELECT FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1`, [tenant])).toHaveLength(1);
  });

  test('an event of nobody is unmatched, and finds its customer when it is replayed; a duplicate is not', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    const event = { event_type: 'subscribed', email: 'soon@example.com', timestamp: '2026-01-24T18:30:00Z' };
    await sender.post(event);
    const [first] = await settled(tenant, 'mailchimp');
    expect(first).toMatchObject({ status: 'unmatched', reason: 'unknown_customer' });
    await put(tenant, 'soon', { email: 'soon@example.com' });
    const { data, response } = await replay(tenant, 'mailchimp', first!.id);
    expect([response.status, data!.status]).toEqual([202, 'pending']);
    expect(await settled(tenant, 'mailchimp')).toMatchObject([{ status: 'processed', reason: null }]);
    expect((await get(tenant, 'soon'))!.consents.email.status).toBe('subscribed');

    await sender.post(event);
    const [duplicate] = await settled(tenant, 'mailchimp');
    expect((await replay(tenant, 'mailchimp', duplicate!.id)).error).toMatchObject({ status: 409, code: 'invalid_state' });
  });

  test('an event that cannot be processed does not hold up the others', async () => {
    const tenant = newTenant();
    await app.sql(`
      CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a customer no table can hold'; END $$;
      CREATE TRIGGER poison BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.customer_id = 'poison') EXECUTE FUNCTION refuse_poison();`);
    try {
      const sender = await WebhookSender.connect(app, 'hubspot', tenant);
      await sender.post(['a', 'poison', 'b'].map((customer_id) => ({ event_type: 'contact_created', customer_id, email: `${customer_id}@example.com` })));
      await settled(tenant, 'hubspot');
      expect(await statusesOf(app, tenant)).toEqual([{ status: 'failed', reason: 'processing_failed', n: 1 }, { status: 'processed', reason: null, n: 2 }]);
    } finally {
      await app.sql('DROP FUNCTION refuse_poison() CASCADE');
    }
  });

  test('a person’s erasure takes what was sent about them, body and all, and leaves the others’', async () => {
    const tenant = newTenant();
    await put(tenant, 'ada', { email: 'ada@example.com' });
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    await sender.post([{ event_type: 'contact_created', email: 'ADA@example.com' }, { event_type: 'contact_created', customer_id: 'grace' }]);
    await sender.post({ event_type: 'form_submitted', customer_id: 'grace' });
    await settled(tenant, 'hubspot');
    const [row] = await app.sql<{ id: number; no: number }>(`SELECT t.id, customer_no AS no FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1 AND customer_id = 'ada'`, [tenant]);
    const source = app.nest.get(PersonalData, { strict: false }).sources.find((one) => one.name === 'webhook_events')!;
    const inTenant = <T>(work: (tx: EntityManager) => Promise<T>) => app.nest.get(Database, { strict: false }).inTenant({ id: row!.id, name: tenant }, work);
    expect(await inTenant((tx) => source.export(tx, { id: row!.id, name: tenant }, row!.no))).toMatchObject([{ type: 'contact_created', payload: { email: 'ADA@example.com' } }]);
    await inTenant((tx) => source.erase(tx, { id: row!.id, name: tenant }, row!.no));
    const left = (await events(tenant, 'hubspot')).map((one) => one.payload);
    expect(left).toHaveLength(3);
    expect(left.filter((payload) => payload !== null)).toMatchObject([{ customer_id: 'grace' }, { customer_id: 'grace' }]);
    expect(await app.sql(`SELECT count(*)::int AS n FROM webhook_bodies b WHERE tenant_id = $1 AND convert_from(body, 'UTF8') ILIKE '%ada@%'`, [row!.id])).toEqual([{ n: 0 }]);
  });

  test('what is older than 30 days is forgotten, and nothing else', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
    await sender.post({ event_type: 'campaign_sent', event_id: 'old' });
    await settled(tenant, 'mailchimp');
    app.clock.advance(31 * 24 * 3600_000);
    try {
      await sender.post({ event_type: 'campaign_sent', event_id: 'new' });
      await eventually(async () => expect(await statusesOf(app, tenant)).toEqual([{ status: 'processed', reason: null, n: 2 }]));
      await app.nest.get(InboxRetention).sweep(new AbortController().signal);
      expect(await app.sql(`SELECT convert_from(body, 'UTF8')::jsonb AS payload FROM webhook_bodies e JOIN tenants t ON t.id = e.tenant_id WHERE t.name = $1`, [tenant])).toEqual([{ payload: { event_type: 'campaign_sent', event_id: 'new' } }]);
      expect(await app.sql(`SELECT count(*)::int AS n FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant])).toEqual([{ n: 1 }]);
    } finally {
      app.clock.advance(-31 * 24 * 3600_000);
    }
  });
});

describe('a worker that dies', () => {
  test('loses no event: another one finishes what it had begun', async () => {
    const app = await startApp(); // takes posts, runs no jobs
    let worker: ChildProcess | undefined;
    const kill = async (): Promise<void> => {
      worker?.kill('SIGKILL');
      if (worker?.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
    };
    const startWorker = async (): Promise<ChildProcess> => {
      const env = { PATH: process.env.PATH, PORT: '0', WORKER_PORT: '0', DATABASE_URL: await specDatabase(), JWT_SECRET: 'x'.repeat(32), SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal' };
      return spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'ignore' });
    };
    const count = async (status: string): Promise<number> => (await statusesOf(app, app.tenant)).find((one) => one.status === status)?.n ?? 0;
    try {
      const sender = await WebhookSender.connect(app, 'hubspot');
      const customers = Array.from({ length: 2000 }, (_, index) => ({ event_type: 'contact_created', customer_id: `c${index}`, email: `c${index}@example.com` }));
      const answers = await Promise.all([0, 1].map((part) => sender.post(customers.slice(part * 1000, part * 1000 + 1000))));
      expect(answers.reduce((sum, answer) => sum + answer.body.accepted!, 0)).toBe(2000);

      worker = await startWorker();
      await eventually(async () => expect(await count('processed')).toBeGreaterThan(0), { within: 30_000 });
      await kill();
      expect(await count('pending')).toBeGreaterThan(0);

      worker = await startWorker();
      await eventually(async () => expect(await count('processed')).toBe(2000), { within: 30_000 });
      const [made] = await app.sql<{ n: number }>(`SELECT count(*)::int AS n FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1`, [app.tenant]);
      expect(made!.n).toBe(2000);
    } finally {
      await kill();
      await app.close();
    }
  }, 90_000);
});

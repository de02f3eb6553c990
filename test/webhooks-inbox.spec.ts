import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { layCable } from './support/cable.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';
import { type Answer, macOf, WebhookSender } from './support/webhook-sender.js';

const HOUR = 3600_000;
const sendgrid = { params: { path: { provider: 'sendgrid' as const } } };

/** In an order that is the same in every run. */
function shuffled<T>(items: T[]): T[] {
  let seed = 42;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return items.map((item) => ({ item, place: random() })).sort((a, b) => a.place - b.place).map(({ item }) => item);
}

describe('the inbox', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const count = async (tenant: string, table: string, condition = 'true'): Promise<number> =>
    (await app.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${table} x JOIN tenants t ON t.id = x.tenant_id WHERE t.name = $1 AND ${condition}`, [tenant]))[0]!.n;
  const events = async (tenant: string, provider: 'sendgrid' | 'hubspot' = 'sendgrid') =>
    (await app.api(['marketing'], tenant).GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider }, query: { limit: 100 } } })).data!.data;
  const settled = (tenant: string) => eventually(async () => expect(await count(tenant, 'webhook_events', `status = 'pending'`)).toBe(0));

  test('a hundred copies of each post, shuffled, from eight clients, take effect once', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const posts = Array.from({ length: 5 }, (_, n) => JSON.stringify({ event_type: 'contact_created', email: `new${n}@example.com`, first_name: 'Ada', timestamp: '2026-01-24T18:30:00Z' }));
    const copies = shuffled(posts.flatMap((body) => Array<string>(100).fill(body)));
    const answers: Answer[] = [];
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let body = copies.pop(); body !== undefined; body = copies.pop()) answers.push(await sender.post(body));
    }));
    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(answers.reduce((sum, { body }) => sum + body.accepted!, 0)).toBe(5);
    expect(answers.reduce((sum, { body }) => sum + body.duplicates!, 0)).toBe(495);
    await settled(tenant);
    expect(await count(tenant, 'customers')).toBe(5); // a contact without an id is a new customer each time it is processed
    expect([await count(tenant, 'webhook_events', `status = 'processed'`), await count(tenant, 'webhook_events', `status = 'duplicate'`)]).toEqual([5, 495]);
  }, 120_000);

  test('what happened first takes effect first, whatever the order in a post', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const contact = (first_name: string, timestamp: string) => ({ event_type: 'form_submitted', customer_id: 'ada', first_name, timestamp });
    await sender.post(shuffled(Array.from({ length: 60 }, (_, second) => contact(`Ada ${second}`, `2026-01-24T18:30:${String(second).padStart(2, '0')}Z`))));
    await settled(tenant);
    const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'ada' } } });
    expect(data!.first_name).toBe('Ada 59');
  });

  test('an event that cannot be processed now is tried again, later each time, and failed after eight tries', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const contact = (customer_id: string) => sender.post({ event_type: 'contact_created', customer_id, email: `${customer_id}@example.com` });
    const named = async (name: string) => (await events(tenant, 'hubspot')).find(({ payload }) => (payload as { customer_id: string }).customer_id === name)!;
    await app.sql(`
      CREATE FUNCTION refuse_for_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'come back later' USING ERRCODE = '55000'; END $$;
      CREATE TRIGGER for_now BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.customer_id IN ('patient', 'hopeless')) EXECUTE FUNCTION refuse_for_now();`);
    let advanced = 0;
    try {
      await contact('patient');
      await contact('hopeless');
      for (let attempts = 1; attempts < 8; attempts++) {
        await eventually(async () => expect(await named('hopeless')).toMatchObject({ status: 'pending', reason: 'processing_failed', attempts, processed_at: null }));
        const waits = Date.parse((await named('hopeless')).next_attempt_at!) - app.clock.now().getTime();
        expect(waits).toBeLessThan([10, 40, 160, 640, 2560, 3600, 3600][attempts - 1]! * 1000 + 1);
        if (attempts === 2) await app.sql(`CREATE OR REPLACE FUNCTION refuse_for_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.customer_id = 'patient' THEN RETURN NEW; END IF; RAISE 'not yet' USING ERRCODE = '55000'; END $$`);
        app.clock.advance(HOUR);
        advanced += HOUR;
        await contact(`waker-${attempts}`); // a post wakes the worker sooner than its next round would
      }
      await eventually(async () => expect(await named('hopeless')).toMatchObject({ status: 'failed', reason: 'processing_failed', attempts: 8, next_attempt_at: null }));
      expect(await named('patient')).toMatchObject({ status: 'processed', reason: null, attempts: 2 });
      await eventually(async () => expect(await count(tenant, 'webhook_events', `status = 'processed'`)).toBe(8)); // the last waker comes behind it
    } finally {
      app.clock.advance(-advanced);
      await app.sql('DROP FUNCTION refuse_for_now() CASCADE');
    }
  }, 120_000);

  test('five thousand bodies of anything: nothing fails on our side, nothing unsigned is kept, and all that was accepted is', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    const member = fc.constantFrom('event_type', 'email', 'phone', 'campaign_id', 'delivery_id', 'timestamp', 'event_id', 'customer_id', 'channel', 'url', 'machine', 'reason', '__proto__');
    const value = fc.oneof(fc.json().map((text) => JSON.parse(text) as unknown), fc.constantFrom('email.opened', 'unsubscribed', 'sms.delivered', 'a@example.com', '2026-01-24T18:30:00Z', 1769279460, '\u0000', '\ud800', 1e308));
    const event = fc.dictionary(member, value, { maxKeys: 8 });
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.oneof(event, fc.array(event, { maxLength: 5 })).map((events) => Buffer.from(JSON.stringify(events))),
      event.map((one) => Buffer.from(JSON.stringify(one).slice(0, -1))),
    );
    const signature = fc.constantFrom('right', 'right', 'of another', 'garbage', 'none');
    const type = fc.constantFrom('application/json', 'application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded');
    const posts = fc.array(fc.record({ body, signature, type }), { minLength: 25, maxLength: 25 });
    let accepted = 0;
    await fc.assert(fc.asyncProperty(posts, async (some) => {
      await Promise.all(some.map(async (post) => {
        const timestamp = String(Math.floor(app.clock.now().getTime() / 1000));
        const mac = macOf(post.signature === 'right' ? sender.secret : 'another secret', timestamp, post.body).toString('hex');
        const signed = { right: mac, 'of another': mac, garbage: post.body.toString('latin1').replace(/[^\x20-\x7e]/g, '').trim() || 'x', none: undefined }[post.signature];
        const { status, body: answer } = await sender.send(post.body, { 'content-type': post.type, 'x-webhook-timestamp': timestamp, 'x-webhook-signature': signed });
        if (post.signature === 'right') expect([202, 400, 415]).toContain(status);
        else expect([401, 415]).toContain(status);
        if (status === 202) accepted += answer.received!;
      }));
    }), { numRuns: 200 });
    expect(await count(tenant, 'webhook_events')).toBe(accepted);
    expect(accepted).toBeGreaterThan(500);
    await settled(tenant);
  }, 240_000);
});

describe('a connection', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('tells whether the provider’s posts are verified: the last five decide', async () => {
    const tenant = newTenant();
    const api = app.api(['tenant_admin'], tenant);
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    const connection = async () => (await api.GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid)).data!;
    const listed = async () => (await api.GET('/api/v1/marketing/webhooks')).data!.providers[0]!;
    const wrong = async (times: number) => {
      for (let n = 0; n < times; n++) await sender.with('another secret').post({ event_type: 'opened', email: 'a@example.com' });
    };
    const right = () => sender.post({ event_type: 'opened', email: 'a@example.com', timestamp: '2026-01-24T18:30:00Z' });

    expect(await connection()).toMatchObject({ status: 'pending', reason: null, last_verified: null, failed_verifications: 0 });
    expect(await listed()).toMatchObject({ status: 'connected', events_received: 0 });
    await right();
    expect(await connection()).toMatchObject({ status: 'connected', last_verified: expect.any(String) as string });
    await wrong(4);
    expect(await connection()).toMatchObject({ status: 'connected', failed_verifications: 4 });
    await right(); // a repetition is verified, too
    await wrong(4);
    expect(await connection()).toMatchObject({ status: 'connected', failed_verifications: 8 });
    await wrong(1);
    expect(await connection()).toMatchObject({ status: 'error', reason: 'invalid_signature', failed_verifications: 9 });
    expect(await listed()).toEqual({ id: 'sendgrid', name: 'SendGrid', status: 'disconnected' });
    await sender.post({ event_type: 'opened', email: 'a@example.com' }, { timestamp: '2001-09-09T01:46:40Z' });
    expect(await connection()).toMatchObject({ status: 'error', reason: 'stale_timestamp' });
    await right();
    expect(await connection()).toMatchObject({ status: 'connected', reason: null });
    expect(await listed()).toMatchObject({ status: 'connected', events_received: 1 });
    await wrong(7);
    await WebhookSender.connect(app, 'sendgrid', tenant);
    expect(await connection()).toMatchObject({ status: 'pending', reason: null, last_verified: null });
  });

  test('whose provider has shown its secret by looking is connected; one that showed another is not', async () => {
    const api = app.api(['tenant_admin'], newTenant());
    const mailchimp = { params: { path: { provider: 'mailchimp' as const } } };
    const { data } = await api.PUT('/api/v1/marketing/webhooks/{provider}/connection', { ...mailchimp, body: { scheme: 'mailchimp' } });
    const { pathname, search } = new URL(data!.url);
    const look = async (query: string) => (await app.fetch(pathname + query, { token: '' })).status;
    const connection = async () => (await api.GET('/api/v1/marketing/webhooks/{provider}/connection', mailchimp)).data!;
    expect(await look(search.replace(/secret=.*/, 'secret=another'))).toBe(401);
    expect(await connection()).toMatchObject({ status: 'pending', last_verified: null, failed_verifications: 1 });
    expect(await look(search)).toBe(200);
    expect(await connection()).toMatchObject({ status: 'connected', last_verified: expect.any(String) as string });
  });

  test('counts every post that is refused, however many come at once', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    await Promise.all(Array.from({ length: 60 }, () => sender.with('another secret').post({})));
    const { data } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid);
    expect(data).toMatchObject({ status: 'error', failed_verifications: 60 });
  });
});

describe('without PostgreSQL', () => {
  test('a post is answered 503 with Retry-After, never 4xx; what was answered 202 is there when it is back', async () => {
    const cable = await layCable(await specDatabase());
    const app = await startApp({ env: { DATABASE_URL: cable.url } });
    try {
      const sender = await WebhookSender.connect(app, 'sendgrid');
      const post = (event_id: string) => sender.post({ event_type: 'opened', email: 'a@example.com', event_id });
      expect((await post('before')).status).toBe(202);
      const answers = Array.from({ length: 200 }, async (_, n) => {
        if (n === 100) cable.cut();
        return (await post(`meanwhile-${n}`)).status;
      });
      const statuses = await Promise.all(answers);
      expect(statuses.filter((status) => status !== 202 && status !== 503)).toEqual([]);
      expect(statuses).toContain(503);

      const url = `/api/v1/marketing/webhooks/sendgrid?connection=whc_${'0'.repeat(26)}`; // unknown, but nobody can know that now
      for (const one of [sender, sender.with('a secret that cannot be held against anything'), new WebhookSender(app, url, 'x'.repeat(20))]) {
        expect(await one.post({ event_type: 'opened' })).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      }
      const { headers } = await app.fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, token: '' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);

      cable.mend();
      await eventually(async () => expect((await post('after')).status).toBe(202));
      const kept = new Set((await app.sql<{ id: string }>(`SELECT convert_from(body, 'UTF8')::jsonb ->> 'event_id' AS id FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [app.tenant])).map(({ id }) => id));
      expect(statuses.flatMap((status, n) => (status === 202 && !kept.has(`meanwhile-${n}`) ? [n] : []))).toEqual([]);
      expect([kept.has('before'), kept.has('after')]).toEqual([true, true]);
    } finally {
      cable.mend();
      await app.close();
      await cable.close();
    }
  });
});

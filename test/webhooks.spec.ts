import { Webhook } from 'standardwebhooks';
import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';
import { ENCODINGS, macOf, WebhookSender } from './support/webhook-sender.js';

/** The API reference's sample, as printed. */
const SAMPLE = `{
"event_type": "email.opened",
"email": "customer@example.com",
"campaign_id": "camp_001",
"timestamp": "2026-01-24T18:30:00Z"
}`;

const event = (over: object = {}) => ({ event_type: 'email.opened', email: 'customer@example.com', campaign_id: 'camp_001', timestamp: '2026-01-24T18:30:00Z', ...over });
const distinct = (count: number) => Array.from({ length: count }, (_, index) => event({ event_id: `evt_${index}` }));
const sendgrid = { params: { path: { provider: 'sendgrid' as const } } };

describe('webhooks', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ env: { WEBHOOK_SECRET_TWILIO: 'the deployment’s twilio secret' } })));
  afterAll(() => app.close());

  const fresh = async (): Promise<[WebhookSender, string]> => {
    const tenant = newTenant();
    return [await WebhookSender.connect(app, 'sendgrid', tenant), tenant];
  };
  const list = async (tenant: string) => (await app.api(['marketing'], tenant).GET('/api/v1/marketing/webhooks')).data!.providers;
  const events = async (tenant: string) => (await app.api(['marketing'], tenant).GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider: 'sendgrid' }, query: { limit: 100 } } })).data!;
  const stored = async (tenant: string): Promise<number[]> => {
    const [row] = await app.sql<{ bodies: number; events: number }>(
      `SELECT (SELECT count(*)::int FROM webhook_bodies b WHERE b.tenant_id = t.id) AS bodies, (SELECT count(*)::int FROM webhook_events e WHERE e.tenant_id = t.id) AS events FROM tenants t WHERE name = $1`, [tenant]);
    return [row!.bodies, row!.events];
  };

  describe('connections', () => {
    test('all four providers are listed in the reference’s order; a disconnected one has no figures', async () => {
      const tenant = newTenant();
      expect(await list(tenant)).toEqual([
        { id: 'sendgrid', name: 'SendGrid', status: 'disconnected' },
        { id: 'twilio', name: 'Twilio', status: 'connected', events_received: 0 }, // by the deployment's secret
        { id: 'mailchimp', name: 'Mailchimp', status: 'disconnected' },
        { id: 'hubspot', name: 'HubSpot', status: 'disconnected' },
      ]);
      const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
      expect((await list(tenant))[0]).toEqual({ id: 'sendgrid', name: 'SendGrid', status: 'connected', events_received: 0 });
      await sender.post(distinct(3));
      await sender.post(distinct(3));
      const [first] = await list(tenant);
      expect(first).toMatchObject({ events_received: 3 });
      expect(Math.abs(Date.parse(first!.last_event!) - app.clock.now().getTime())).toBeLessThan(10_000);
    });

    test('one whose posts cannot be verified is not connected, also where the deployment has a secret of its own', async () => {
      const tenant = newTenant();
      const sender = await WebhookSender.connect(app, 'twilio', tenant);
      const status = async () => (await list(tenant)).find(({ id }) => id === 'twilio')!.status;
      expect(await status()).toBe('connected');
      for (let n = 0; n < 5; n++) await sender.with('another secret').post(SAMPLE);
      expect(await status()).toBe('disconnected');
      await sender.post(SAMPLE);
      expect(await status()).toBe('connected');
    });

    test('a generated secret is shown once, and kept sealed', async () => {
      const tenant = newTenant();
      const { data } = await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { ...sendgrid, body: {} });
      expect(data).toMatchObject({ status: 'pending', scheme: 'generic', tolerance_seconds: 300 });
      expect(data!.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      expect(data!.url).toBe(`http://127.0.0.1:3000/api/v1/marketing/webhooks/sendgrid?connection=${data!.id}`);
      const { data: shown } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid);
      expect(shown).not.toHaveProperty('secret');
      const [row] = await app.sql<{ sealed: Buffer }>(`SELECT sealed FROM webhook_secrets s JOIN tenants t ON t.id = s.tenant_id WHERE t.name = $1`, [tenant]);
      expect(row!.sealed.includes(Buffer.from(data!.secret!.slice(6, 20)))).toBe(false);
    });

    test('connecting again replaces the secret and keeps the URL, at once also where the one before was just used', async () => {
      const [sender, tenant] = await fresh();
      expect((await sender.post(event({ event_id: 1 }))).status).toBe(202);
      const again = await WebhookSender.connect(app, 'sendgrid', tenant);
      for (const body of [[], event({ event_id: 2 })]) expect(await again.with(sender.secret).post(body)).toMatchObject({ status: 401, body: { code: 'invalid_signature' } });
      expect(await stored(tenant)).toEqual([1, 1]);
      expect((await again.post(event({ event_id: 3 }))).status).toBe(202);
    });

    test('a rotated secret is good for 24 hours more, the new one at once', async () => {
      const [sender, tenant] = await fresh();
      const { data } = await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', sendgrid);
      const renewed = sender.with(data!.secret!);
      expect((await renewed.post(event({ event_id: 1 }))).status).toBe(202);
      expect((await sender.post(event({ event_id: 2 }))).status).toBe(202);
      expect(Date.parse(data!.previous_secret_valid_until!) - app.clock.now().getTime()).toBeGreaterThan(23 * 3600_000);
      app.clock.advance(24 * 3600_000 + 1000);
      try {
        expect((await renewed.post(event({ event_id: 3 }))).status).toBe(202);
        expect(await sender.post(event({ event_id: 4 }))).toMatchObject({ status: 401, body: { code: 'invalid_signature' } });
      } finally {
        app.clock.advance(-24 * 3600_000 - 1000);
      }
    });

    test('a disconnected provider’s URL stops working; what it sent stays', async () => {
      const [sender, tenant] = await fresh();
      await sender.post(event());
      const api = app.api(['tenant_admin'], tenant);
      expect((await api.DELETE('/api/v1/marketing/webhooks/{provider}/connection', sendgrid)).response.status).toBe(204);
      expect((await sender.post(event())).status).toBe(401);
      expect((await list(tenant))[0]).toEqual({ id: 'sendgrid', name: 'SendGrid', status: 'disconnected' });
      expect((await events(tenant)).meta.total).toBe(1);
      expect((await api.DELETE('/api/v1/marketing/webhooks/{provider}/connection', sendgrid)).error).toMatchObject({ status: 404, code: 'connection_not_found' });
      expect((await api.POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', sendgrid)).error).toMatchObject({ status: 404, code: 'connection_not_found' });
    });

    test('what it cannot honour is refused: an unknown scheme, a weak secret, an unknown provider, a marketer', async () => {
      const put = (body: object, provider = 'sendgrid', roles: ('marketing' | 'tenant_admin')[] = ['tenant_admin']) =>
        app.api(roles).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider: provider as 'sendgrid' } }, body: body as never });
      expect((await put({ scheme: 'paypal' })).error).toMatchObject({ code: 'validation_failed', errors: expect.arrayContaining([expect.objectContaining({ pointer: '/scheme' })]) });
      expect((await put({ secret: 'short' })).error).toMatchObject({ code: 'validation_failed', errors: [expect.objectContaining({ pointer: '/secret' })] });
      expect((await put({ tolerance_seconds: 0 })).error).toMatchObject({ code: 'validation_failed' });
      expect((await put({}, 'paypal')).error).toMatchObject({ status: 404, code: 'unknown_provider' });
      expect((await put({}, 'constructor')).error).toMatchObject({ status: 404, code: 'unknown_provider' });
      expect((await put({}, 'sendgrid', ['marketing'])).error).toMatchObject({ status: 403 });
    });
  });

  describe('signatures', () => {
    test.each(Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[])('the reference’s sample is accepted as printed, signed as %s', async (encoding) => {
      const [sender, tenant] = await fresh();
      expect(await sender.post(SAMPLE, { encoding })).toEqual({ status: 202, body: { received: 1, accepted: 1, duplicates: 0 } });
      const { data } = await events(tenant);
      expect(data).toMatchObject([{ provider: 'sendgrid', type: 'email.opened', payload: JSON.parse(SAMPLE) }]);
    });

    test.each(['seconds', 'milliseconds', 'RFC 3339', 'RFC 3339 with an offset'])('the timestamp may be in %s', async (spelling) => {
      const [sender] = await fresh();
      const now = app.clock.now();
      const spellings: Record<string, string> = { seconds: String(Math.floor(now.getTime() / 1000)), milliseconds: String(now.getTime()), 'RFC 3339': now.toISOString(), 'RFC 3339 with an offset': now.toISOString().replace('Z', '+00:00') };
      expect((await sender.post(event(), { timestamp: spellings[spelling]! })).status).toBe(202);
    });

    test('Standard Webhooks are taken too, and a message sent again is known by its id', async () => {
      const [sender] = await fresh();
      const at = app.clock.now();
      const post = (id: string, body: string) =>
        sender.send(body, { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(sender.secret).sign(id, at, body) });
      expect(await post('msg_1', SAMPLE)).toMatchObject({ status: 202, body: { accepted: 1 } });
      expect(await post('msg_1', SAMPLE)).toMatchObject({ status: 202, body: { accepted: 0, duplicates: 1 } });
      expect(await post('msg_2', JSON.stringify(distinct(2)))).toMatchObject({ status: 202, body: { accepted: 2 } });
    });

    test('a wrong one leaves nothing but a counter', async () => {
      const [sender, tenant] = await fresh();
      const now = Math.floor(app.clock.now().getTime() / 1000);
      const invalid = { status: 401, body: { code: 'invalid_signature' } };
      const stale = { status: 401, body: { code: 'stale_timestamp' } };
      expect(await sender.with('another secret').post(SAMPLE)).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { headers: { 'x-webhook-signature': undefined } })).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { headers: { 'x-webhook-timestamp': undefined } })).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { headers: { 'x-webhook-signature': 'sha256=' } })).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { headers: { 'x-webhook-signature': 'é'.repeat(64) } })).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { timestamp: 'yesterday' })).toMatchObject(invalid);
      expect(await sender.post(SAMPLE, { timestamp: String(now - 301) })).toMatchObject(stale);
      expect(await sender.post(SAMPLE, { timestamp: String(now + 303) })).toMatchObject(stale);
      expect(await sender.send(`${SAMPLE} `, { 'content-type': 'application/json', 'x-webhook-timestamp': String(now), 'x-webhook-signature': macOf(sender.secret, String(now), SAMPLE).toString('hex') })).toMatchObject(invalid);
      expect(await stored(tenant)).toEqual([0, 0]);
      const { data } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid);
      expect(data!.failed_verifications).toBe(9);
    });

    test('a provider that looks before it posts is answered where its posts could be verified', async () => {
      const [, tenant] = await fresh();
      const { data } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid);
      const look = async (path: string, method = 'GET') => {
        const response = await app.fetch(`/api/v1/marketing/webhooks/${path}`, { method, token: '' });
        return [response.status, response.status === 200 ? await response.text() : ''];
      };
      for (const method of ['GET', 'HEAD']) {
        expect(await look(`sendgrid?connection=${data!.id}`, method)).toEqual([200, '']);
        expect(await look('twilio', method)).toEqual([200, '']); // by the deployment's secret
        expect(await look('sendgrid', method)).toEqual([401, '']);
        expect(await look(`mailchimp?connection=${data!.id}`, method)).toEqual([401, '']);
        expect(await look('paypal', method)).toEqual([404, '']);
      }
    });

    test('a connection without tolerance takes any age', async () => {
      const [sender, tenant] = await fresh();
      await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { ...sendgrid, body: { secret: sender.secret, tolerance_seconds: null } });
      expect((await sender.post(SAMPLE, { timestamp: '2001-09-09T01:46:40Z' })).status).toBe(202);
    });

    test('a key of another provider, of nobody, or given twice opens nothing', async () => {
      const [sender, tenant] = await fresh();
      const { data } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/webhooks/{provider}/connection', sendgrid);
      const base = '/api/v1/marketing/webhooks';
      for (const url of [`${base}/mailchimp?connection=${data!.id}`, `${base}/sendgrid?connection=whc_${'0'.repeat(26)}`, `${base}/sendgrid?connection=%27`, `${base}/sendgrid?connection=${data!.id}&connection=${data!.id}`, `${base}/sendgrid`]) {
        expect((await new WebhookSender(app, url, sender.secret).post(SAMPLE)).body).toMatchObject({ code: 'invalid_signature' });
      }
      expect(await new WebhookSender(app, `${base}/paypal?connection=${data!.id}`, sender.secret).post(SAMPLE)).toMatchObject({ status: 404, body: { code: 'unknown_provider' } });
    });
  });

  describe('the inbox', () => {
    test('twenty identical posts at once count once', async () => {
      const [sender, tenant] = await fresh();
      const answers = await Promise.all(Array.from({ length: 20 }, () => sender.post(SAMPLE)));
      expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(202));
      expect(answers.reduce((sum, answer) => sum + answer.body.accepted!, 0)).toBe(1);
      expect(answers.reduce((sum, answer) => sum + answer.body.duplicates!, 0)).toBe(19);
      expect(await stored(tenant)).toEqual([20, 20]);
      expect((await list(tenant))[0]).toMatchObject({ events_received: 1 });
    });

    test('overlapping batches at once keep every event once', async () => {
      const [sender, tenant] = await fresh();
      const all = distinct(60);
      const batches = Array.from({ length: 12 }, (_, index) => (index % 2 ? all.slice(index, index + 45).reverse() : all.slice(0, 40 + index)));
      const answers = await Promise.all(batches.map((batch) => sender.post(batch)));
      expect(answers.reduce((sum, answer) => sum + answer.body.accepted!, 0)).toBe(new Set(batches.flat().map((one) => (one as { event_id?: string }).event_id)).size);
      expect((await list(tenant))[0]).toMatchObject({ events_received: 56 });
    });

    test('without an id, an event is what it says', async () => {
      const [sender] = await fresh();
      const answer = await sender.post([event(), event(), event({ url: 'https://a.example' }), event({ email: 'other@example.com' }), event({ timestamp: 1769279400 }), event({ timestamp: '2026-01-24T18:30:01Z' }), event({ event_type: 'opened', channel: 'email' })]);
      expect(answer.body).toEqual({ received: 7, accepted: 4, duplicates: 3 });
    });

    test('without a time of its own, an event is of when it was signed', async () => {
      const [sender, tenant] = await fresh();
      const say = async (event_type: string, timestamp: string) => (await sender.post({ event_type, email: 'ada@example.com' }, { timestamp })).body;
      const now = Math.floor(app.clock.now().getTime() / 1000);
      const once = { received: 1, accepted: 1, duplicates: 0 };
      expect(await say('unsubscribed', String(now - 3))).toEqual(once);
      expect(await say('unsubscribed', String(now - 3))).toEqual({ received: 1, accepted: 0, duplicates: 1 });
      expect(await say('unsubscribed', new Date((now - 2) * 1000).toISOString())).toEqual(once); // after an opt-in, say
      const [body] = await app.sql<{ at: Date }>(`SELECT max(signed_at) AS at FROM webhook_bodies WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
      expect(body!.at).toEqual(new Date((now - 2) * 1000));
    });

    test('the same event of another tenant is another event', async () => {
      const [one] = await fresh();
      const [two] = await fresh();
      expect((await one.post(SAMPLE)).body).toMatchObject({ accepted: 1 });
      expect((await two.post(SAMPLE)).body).toMatchObject({ accepted: 1 });
    });

    test('one bad item in a good batch is kept as failed, the rest counts', async () => {
      const [sender, tenant] = await fresh();
      const bad = [null, 7, [], {}, { event_type: 5 }, event({ timestamp: 'soon' }), event({ email: { a: 1 } }), event({ channel: 'fax' }), event({ event_type: 'email.exploded' }), event({ email: 'a\u0000b' })];
      const answer = await sender.post([...distinct(2), ...bad]);
      expect(answer).toEqual({ status: 202, body: { received: 12, accepted: 2, duplicates: 0 } });
      const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider: 'sendgrid' }, query: { status: 'failed', limit: 100 } } });
      expect(data!.data.map((one) => one.reason).sort()).toEqual(
        ['event_type_required', 'invalid_channel', 'invalid_email', 'invalid_event_type', 'invalid_timestamp', 'not_an_object', 'not_an_object', 'not_an_object', 'unreadable', 'unsupported_event_type'],
      );
    });

    test('what cannot be read in one body is no repetition of what could not in another', async () => {
      const [sender] = await fresh();
      expect((await sender.post([event({ email: 'a\u0000b' })])).body).toEqual({ received: 1, accepted: 0, duplicates: 0 });
      expect((await sender.post([event({ email: 'b\u0000a' })])).body).toEqual({ received: 1, accepted: 0, duplicates: 0 });
      expect((await sender.post([event({ email: 'b\u0000a' })])).body).toEqual({ received: 1, accepted: 0, duplicates: 1 });
    });

    test('hostile bodies are refused and leave nothing', async () => {
      const [sender, tenant] = await fresh();
      const bodies = ['', ' ', '{', 'null', '7', '"x"', '[]', '{}', '{"event_type":7}', `{"event_type":"opened","timestamp":"x"}`, '{"event_type":"opened","__proto__":{"x":1}}', '{"event_type":"opened","a":"\\u0000"}', '{"event_type":"opened","a":"\\ud800"}', `{"event_type":"opened","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, '['.repeat(1_000_000), `{"event_type":"${'x'.repeat(65)}"}`];
      for (const body of [...bodies, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])]) {
        expect(await sender.post(body)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
      }
      expect(await sender.post(`[${Array(10_001).fill('{}').join()}]`)).toMatchObject({ status: 400 });
      const members = Array.from({ length: 250_000 }, (_, at) => `"m${at}":0`).join();
      expect(await sender.post(`{"event_type":"opened",${members}}`)).toMatchObject({ status: 400, body: { errors: [{ pointer: '', code: 'too_large' }] } });
      expect(await sender.post(`[{"event_type":"opened","a":"\\u0000"},{${members}}]`)).toMatchObject({ status: 400, body: { errors: [{ pointer: '', code: 'too_large' }] } });
      expect(await sender.post('a=b', { headers: { 'content-type': 'application/x-www-form-urlencoded' } })).toMatchObject({ status: 415 });
      expect(await sender.post(SAMPLE, { headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 415 });
      expect(await sender.post(`"${'x'.repeat(5 * 1024 * 1024)}"`)).toMatchObject({ status: 413 });
      expect(await stored(tenant)).toEqual([0, 0]);
    });

    test('4 MiB in one post are taken', async () => {
      const [sender] = await fresh();
      const batch = Array.from({ length: 4000 }, (_, index) => event({ event_id: index, note: 'x'.repeat(1000) }));
      expect((await sender.post(batch)).body).toEqual({ received: 4000, accepted: 4000, duplicates: 0 });
    });

    test('events are listed newest first, by page and by cursor, for their tenant only', async () => {
      const [sender, tenant] = await fresh();
      await sender.post(distinct(30));
      const api = app.api(['marketing'], tenant);
      const seen: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const { data } = await api.GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider: 'sendgrid' }, query: { limit: 7, cursor } } });
        expect(data!.meta).toMatchObject({ total: 30, total_relation: 'eq' });
        seen.push(...data!.data.map((one) => one.id));
        if (data!.meta.next_cursor === null) break;
        cursor = data!.meta.next_cursor;
      }
      expect(new Set(seen).size).toBe(30);
      expect(seen).toEqual([...seen].sort().reverse());
      const stranger = app.api(['tenant_admin'], newTenant());
      expect((await stranger.GET('/api/v1/marketing/webhooks/{provider}/events', sendgrid)).data).toMatchObject({ data: [], meta: { total: 0 } });
      for (const id of [seen[0]!, 'whe_nothing']) {
        const { error } = await stranger.POST('/api/v1/marketing/webhooks/{provider}/events/{event_id}/replay', { params: { path: { provider: 'sendgrid', event_id: id } } });
        expect(error).toMatchObject({ status: 404, code: 'webhook_event_not_found' });
      }
    });

    test('without a connection, an event that names nobody’s campaign is taken and dropped', async () => {
      const sender = new WebhookSender(app, '/api/v1/marketing/webhooks/twilio', 'the deployment’s twilio secret');
      expect(await sender.post(event({ event_type: 'sms.delivered', campaign_id: 'camp_of_nobody' }))).toEqual({ status: 202, body: { received: 1, accepted: 0, duplicates: 0 } });
      expect((await sender.with('a guess').post(SAMPLE)).status).toBe(401);
    });
  });
});

import fc from 'fast-check';
import { encodeDeliveryId, type Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { InboundEvents } from './support/inbound-events.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSendGrid, type TestSendGrid } from './support/sendgrid.js';
import { SendGridHook, sendgridKeys, SIGNATURE, TIMESTAMP } from './support/sendgrid-hook.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

const CONNECTION = '/api/v1/marketing/webhooks/{provider}/connection';
const sendgrid = { params: { path: { provider: 'sendgrid' as const } } };
const INVALID = { status: 401, body: { code: 'invalid_signature' } };
const DEPLOYMENT = sendgridKeys();

describe('SendGrid’s Event Webhook', () => {
  let provider: TestSendGrid;
  let app: TestApp;
  beforeAll(async () => {
    provider = await startSendGrid();
    app = await startApp({
      worker: true,
      env: { SENDGRID_API_KEY: 'SG.deployment', SENDGRID_API_URL: provider.url, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street', WEBHOOK_SECRET_SENDGRID: DEPLOYMENT.publicKey },
    });
  });
  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  let serial = 0;
  const event = (over: object = {}) => ({ email: 'a@example.com', timestamp: Math.floor(app.clock.now().getTime() / 1000), event: 'open', sg_event_id: `evt-${++serial}`, ...over });
  const put = (body: object, name: 'sendgrid' | 'twilio' = 'sendgrid', tenant = newTenant()) => app.api(['tenant_admin'], tenant).PUT(CONNECTION, { params: { path: { provider: name } }, body });
  const inboxOf = (tenant: string) => new InboundEvents(app, 'sendgrid', tenant);
  const settled = (tenant: string) => inboxOf(tenant).settled();
  const stored = (tenant: string) => inboxOf(tenant).stored();
  const suppressed = (tenant: string) => inboxOf(tenant).suppressions();

  /** A campaign that SendGrid took, to everybody in one call: they share one `X-Message-Id`. */
  const send = async (ids: string[]): Promise<{ tenant: string; mailings: Mailings; mailing: Mailing; deliveries: string[]; messageId: string }> => {
    const tenant = newTenant();
    const mailings = await Mailings.of(app, tenant);
    const numbers = await mailings.people(ids.map((id) => ({ id, email: `${id}@example.com` })));
    const mailing = await mailings.start(CONTENT, numbers);
    await mailings.finished(mailing);
    const deliveries = numbers.map((customerNo) => encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' }));
    const [row] = await mailings.ledger(mailing);
    return { tenant, mailings, mailing, deliveries, messageId: row!.provider_message_id as string };
  };

  describe('a connection', () => {
    test('takes SendGrid’s public key, shows no secret, and keeps its URL', async () => {
      const { publicKey } = sendgridKeys();
      const { data } = await put({ scheme: 'sendgrid', public_key: publicKey });
      expect(data).toMatchObject({ scheme: 'sendgrid', tolerance_seconds: 300, url: `http://127.0.0.1:3000/api/v1/marketing/webhooks/sendgrid?connection=${data!.id}` });
      expect(data).not.toHaveProperty('secret');
    });

    test.each([
      [{ scheme: 'sendgrid' }, '/public_key', 'required'],
      [{ scheme: 'sendgrid', public_key: 'MFkw' }, '/public_key', 'malformed'],
      [{ scheme: 'sendgrid', public_key: 'x'.repeat(1001) }, '/public_key', 'max_length'],
      [{ scheme: 'sendgrid', secret: 'a secret is none'.replaceAll(' ', '-') }, '/secret', 'not_of_scheme'],
      [{ scheme: 'generic', public_key: DEPLOYMENT.publicKey }, '/public_key', 'not_of_scheme'],
      [{ public_key: DEPLOYMENT.publicKey }, '/public_key', 'not_of_scheme'],
    ])('refuses %j at %s', async (body, pointer, code) => {
      expect((await put(body)).error).toMatchObject({ status: 400, code: 'validation_failed', errors: [{ pointer, code }] });
    });

    test('has no scheme of another provider', async () => {
      expect((await put({ scheme: 'sendgrid', public_key: DEPLOYMENT.publicKey }, 'twilio')).error).toMatchObject({ status: 400, errors: [{ pointer: '/scheme', code: 'scheme_of_another_provider' }] });
    });

    test('rotates to SendGrid’s next key; the one before is good for 24 hours more', async () => {
      const tenant = newTenant();
      const hook = await SendGridHook.connect(app, tenant);
      const next = sendgridKeys();
      const rotate = (body?: object) => app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', { ...sendgrid, body: body as never });
      expect((await rotate()).error).toMatchObject({ status: 400, errors: [{ pointer: '/public_key', code: 'required' }] });
      expect((await rotate({ public_key: next.publicKey })).data).toMatchObject({ previous_secret_valid_until: expect.any(String) as string });
      expect((await hook.post([event()])).status).toBe(202);
      expect((await hook.with(next.privateKey).post([event()])).status).toBe(202);
      app.clock.advance(24 * 3600_000 + 1000);
      try {
        expect(await hook.post([event()])).toMatchObject(INVALID);
        expect((await hook.with(next.privateKey).post([event()])).status).toBe(202);
      } finally {
        app.clock.advance(-24 * 3600_000 - 1000);
      }
    });
  });

  describe('a post', () => {
    test('is taken as it came, CRLFs included, and refused with a byte changed in body, header or timestamp', async () => {
      const tenant = newTenant();
      const hook = await SendGridHook.connect(app, tenant);
      const body = `[\r\n${JSON.stringify(event())}\r\n]\r\n`;
      const now = String(Math.floor(app.clock.now().getTime() / 1000));
      for (const headers of [{ [SIGNATURE]: undefined }, { [SIGNATURE]: 'bm90IERFUg==' }, { [SIGNATURE]: '!' }, { [SIGNATURE]: 'é'.repeat(96) }, { [TIMESTAMP]: 'yesterday' }]) {
        expect(await hook.post(body, headers)).toMatchObject(INVALID);
      }
      expect(await hook.with(sendgridKeys().privateKey).post(body)).toMatchObject(INVALID);
      expect(await hook.post(body, { [TIMESTAMP]: String(Number(now) - 301) })).toMatchObject({ status: 401, body: { code: 'stale_timestamp' } });
      expect(await stored(tenant)).toBe(0);
      expect(await hook.post(body)).toEqual({ status: 202, body: { received: 1, accepted: 1, duplicates: 0 } });
    });

    test('without a connection is verified by the deployment’s key, which signs nothing for anybody who knows it', async () => {
      const { tenant, mailings, mailing, deliveries } = await send(['a']);
      const post = event({ event: 'delivered', delivery_id: deliveries[0] });
      // Whoever knows the public key must not be able to use it as a shared secret.
      expect(await new WebhookSender(app, '/api/v1/marketing/webhooks/sendgrid', DEPLOYMENT.publicKey).post({ event_type: 'delivered', delivery_id: deliveries[0] })).toMatchObject(INVALID);
      expect(await SendGridHook.ofDeployment(app, sendgridKeys().privateKey).post([post])).toMatchObject(INVALID);
      expect(await SendGridHook.ofDeployment(app, DEPLOYMENT.privateKey).post([post])).toMatchObject({ status: 202, body: { accepted: 1 } });
      expect(await settled(tenant)).toMatchObject([{ type: 'delivered', status: 'processed' }]);
      expect(await mailings.counters(mailing)).toMatchObject({ delivered: 1 });
    });

    test('of a thousand events in 768 KB goes through, and again counts nothing', async () => {
      const hook = await SendGridHook.connect(app, newTenant());
      const batch = Array.from({ length: 1000 }, () => event({ event: 'processed', note: 'x'.repeat(660) }));
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeGreaterThan(750_000);
      expect((await hook.post(batch)).body).toEqual({ received: 1000, accepted: 1000, duplicates: 0 });
      expect((await hook.post(batch.reverse())).body).toEqual({ received: 1000, accepted: 0, duplicates: 1000 });
    });

    test('of ten thousand events goes through, each as long as SendGrid’s are', async () => {
      const hook = await SendGridHook.connect(app, newTenant());
      const members = { 'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>', category: ['cat facts'], response: '400 try again later', attempt: '5', ip: '255.255.255.255', useragent: 'Mozilla/4.0 (compatible; MSIE 6.1)', tls: 1 };
      const batch = Array.from({ length: 10_000 }, () => event({ event: 'processed', ...members }));
      expect((await hook.post(batch)).body).toEqual({ received: 10_000, accepted: 10_000, duplicates: 0 });
    });

    test('of anything at all never fails on our side, and nothing unsigned is kept', async () => {
      const tenant = newTenant();
      const hook = await SendGridHook.connect(app, tenant);
      const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map((text) => Buffer.from(text)), fc.array(fc.dictionary(fc.constantFrom('event', 'email', 'timestamp', 'sg_event_id'), fc.anything())).map((list) => Buffer.from(JSON.stringify(list, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))));
      await fc.assert(fc.asyncProperty(bytes, async (body) => {
        expect((await hook.with(DEPLOYMENT.privateKey).post(Buffer.from(body))).status).toBe(401);
      }), { numRuns: 60 });
      expect(await stored(tenant)).toBe(0);
      await fc.assert(fc.asyncProperty(bytes, async (body) => {
        expect([202, 400]).toContain((await hook.post(Buffer.from(body))).status);
      }), { numRuns: 150 });
      await settled(tenant);
    });
  });

  describe('events', () => {
    test('move the campaign’s metrics by the delivery’s id, and what SendGrid may yet invent is kept', async () => {
      const { tenant, mailings, mailing, deliveries } = await send(['a', 'b', 'c']);
      const hook = await SendGridHook.connect(app, tenant);
      const [a, b, c] = deliveries.map((delivery_id) => ({ delivery_id, category: ['one', 'two'] }));
      await hook.post([
        event({ event: 'processed', ...a }), event({ event: 'deferred', ...a, attempt: '3' }), event({ event: 'delivered', ...a, category: 'one' }), event({ event: 'open', ...a }),
        event({ event: 'click', ...a, url: 'https://order.example.com/' }), event({ event: 'open', sg_machine_open: true, email: 'b@example.com', ...b }),
        event({ event: 'bounce', type: 'blocked', status: '5.7.1', reason: '554 5.7.1 spam', email: 'c@example.com', ...c }), event({ event: 'account_status_change', type: 'compliance_suspend' }),
      ]);
      expect((await settled(tenant)).map(({ type, status, reason }) => [type, status, reason]).sort()).toEqual([
        ['account_status_change', 'failed', 'unsupported_event_type'], ['bounce', 'processed', null], ['click', 'processed', null], ['deferred', 'processed', null],
        ['delivered', 'processed', null], ['open', 'processed', null], ['open', 'processed', null], ['processed', 'processed', null],
      ]);
      expect(await mailings.counters(mailing)).toEqual({ sent: 3, delivered: 2, opened: 1, clicked: 1, machine_opened: 1, bounced: 1 });
      expect(await suppressed(tenant)).toEqual([]); // a blocked message says nothing of the address
    });

    test('without our id are of whom the address names among the messages of one call', async () => {
      const { tenant, mailings, mailing, messageId } = await send(['a', 'b']);
      const hook = await SendGridHook.connect(app, tenant);
      const sg_message_id = `${messageId}.filter0001.16648.5515E0B88.0`;
      await hook.post([event({ event: 'delivered', email: 'B@example.com', sg_message_id }), event({ event: 'open', email: 'stranger@example.com', sg_message_id })]);
      expect((await settled(tenant)).map(({ type, status }) => `${type} ${status}`).sort()).toEqual(['delivered processed', 'open unmatched']);
      expect((await mailings.ledger(mailing)).map((row) => row.delivered_at !== null)).toEqual([false, true]);
    });

    test('that are about the address close it: a hard bounce, complaints, opt-outs, and drops for these', async () => {
      const { tenant, deliveries } = await send(['a', 'b', 'c', 'd', 'e']);
      const hook = await SendGridHook.connect(app, tenant);
      const [a, b, c, d, e] = deliveries.map((delivery_id, index) => ({ delivery_id, email: `${'abcde'[index]}@example.com` }));
      await hook.post([
        event({ event: 'bounce', type: 'bounce', status: '5.1.1', reason: '550 no such user', ...a }), event({ event: 'dropped', reason: 'Bounced Address', ...b }),
        event({ event: 'spamreport', ...c }), event({ event: 'group_unsubscribe', asm_group_id: 10, ...d }), event({ event: 'dropped', reason: 'Unsubscribed Address', ...e }),
        event({ event: 'dropped', reason: 'Spam Content', email: 'a@example.com', delivery_id: a!.delivery_id }),
      ]);
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual(['complaint', 'hard_bounce', 'hard_bounce', 'unsubscribed', 'unsubscribed']);
      const consents = await app.sql<{ customer_id: string; status: string }>(`SELECT customer_id, consent_email AS status FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1 ORDER BY customer_id`, [tenant]);
      expect(consents.filter(({ status }) => status === 'unsubscribed').map(({ customer_id }) => customer_id)).toEqual(['c', 'd', 'e']);
      await hook.post([event({ event: 'group_resubscribe', email: 'd@example.com', timestamp: Math.floor(app.clock.now().getTime() / 1000) + 1, ...d })]);
      await eventually(async () => expect(await suppressed(tenant)).toEqual(['complaint', 'hard_bounce', 'hard_bounce', 'unsubscribed']));
    });
  });
});

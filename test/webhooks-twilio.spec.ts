import fc from 'fast-check';
import { Database } from '#database';
import type { Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { InboundEvents } from './support/inbound-events.js';
import { Mailings, textAtAnyHour } from './support/mailings.js';
import { newTenant } from './support/tokens.js';
import { startTwilio, type TestTwilio } from './support/twilio.js';
import { encodeForm, type Form, TwilioHook } from './support/twilio-hook.js';

const CONNECTION = '/api/v1/marketing/webhooks/{provider}/connection';
const twilioPath = { params: { path: { provider: 'twilio' as const } } };
const PUBLIC_URL = 'https://crm.example.com';
const DEPLOYMENT_TOKEN = 'the-deployments-token';
const OWN = { account_sid: `AC${'a'.repeat(32)}`, auth_token: 'the-tenants-own-token' };
const CONTENT = { subject: 'Only an email has one', body: 'Hello' };
const EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>';

/** A status callback with the fields that Twilio posts. */
const status = (MessageSid: string, MessageStatus: string, over: Form = {}): Form => ({
  SmsSid: MessageSid, SmsStatus: MessageStatus, MessageStatus, To: '+41791000000', MessagingServiceSid: 'MG0123456789abcdef0123456789abcdef', MessageSid,
  AccountSid: OWN.account_sid, From: '+16232320112', ApiVersion: '2010-04-01', ...over,
});

let serial = 0;
const inbound = (From: string, Body: string, over: Form = {}): Form => {
  const sid = `SM${String(++serial).padStart(32, '0')}`;
  return { ToCountry: 'US', SmsMessageSid: sid, NumMedia: '0', SmsSid: sid, SmsStatus: 'received', FromCountry: 'CH', Body, To: '+16232320112', NumSegments: '1', MessageSid: sid, AccountSid: OWN.account_sid, From, ApiVersion: '2010-04-01', ...over };
};

describe('Twilio’s webhooks', () => {
  let provider: TestTwilio;
  let app: TestApp;
  /** Takes posts, and does nothing else. */
  let api: TestApp;
  beforeAll(async () => {
    provider = await startTwilio();
    const env = { PUBLIC_URL, TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: DEPLOYMENT_TOKEN, TWILIO_API_URL: provider.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` };
    app = await startApp({ worker: true, env });
    api = await startApp({ env });
  });
  afterAll(async () => {
    await api.close();
    await app.close();
    await provider.close();
  });

  const put = (body: object, tenant = newTenant()) => app.api(['tenant_admin'], tenant).PUT(CONNECTION, { ...twilioPath, body });
  const inboxOf = (tenant: string) => new InboundEvents(app, 'twilio', tenant);
  const settled = (tenant: string) => inboxOf(tenant).settled();
  const stored = (tenant: string) => inboxOf(tenant).stored();
  const suppressed = (tenant: string) => inboxOf(tenant).suppressions();
  const consentOf = async (tenant: string, customer_id: string) =>
    (await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } })).data!.consents.sms;
  const opted = (status: 'subscribed' | 'unsubscribed') => ({ consents: { sms: { status } } });

  interface Sent {
    mailings: Mailings;
    mailing: Mailing;
    /** The form that Twilio was given for each number. */
    forms: Map<string, Record<string, string>>;
    /** What Twilio calls the message to the number. */
    sid(phone: string): string;
  }
  /** A text to the numbers +4179100… of guests who opted in, each g0, g1, … */
  const send = async (tenant: string, count: number, first = 0): Promise<Sent> => {
    const mailings = await Mailings.of(app, tenant);
    await textAtAnyHour(app, tenant);
    const guests = Array.from({ length: count }, (_, n) => ({ id: `g${n}`, phone: `+4179100${String(first + n).padStart(4, '0')}`, ...opted('subscribed') }));
    await addCustomers(app, guests, tenant);
    const rows = await app.sql<{ customer_no: number }>('SELECT customer_no FROM customers WHERE tenant_id = $1 AND customer_id = ANY ($2) ORDER BY customer_no', [mailings.tenant.id, guests.map(({ id }) => id)]);
    const before = provider.messages.length;
    const mailing = await mailings.send(CONTENT, rows.map((row) => row.customer_no), { channels: ['sms'] });
    const sent = provider.messages.slice(before).map(({ form }, index) => [form.To!, { ...form, sid: `SM${String(before + index + 1).padStart(32, '0')}` }] as const);
    const forms = new Map<string, Record<string, string>>(sent);
    return { mailings, mailing, forms, sid: (phone) => forms.get(phone)!.sid! };
  };

  describe('a connection', () => {
    test('is made with the account’s auth token, which is shown to nobody', async () => {
      const { data } = await put({ scheme: 'twilio', secret: OWN.auth_token });
      expect(data).toMatchObject({ scheme: 'twilio', tolerance_seconds: null, url: `${PUBLIC_URL}/api/v1/marketing/webhooks/twilio?connection=${data!.id}` });
      expect(data).not.toHaveProperty('secret');
    });

    test.each([
      [{ scheme: 'twilio' }, '/secret', 'required'],
      [{ scheme: 'twilio', secret: OWN.auth_token, public_key: 'MFkw' }, '/public_key', 'not_of_scheme'],
      [{ scheme: 'twilio', secret: OWN.auth_token, tolerance_seconds: 300 }, '/tolerance_seconds', 'not_of_scheme'],
      [{ scheme: 'sendgrid', public_key: 'MFkw' }, '/scheme', 'scheme_of_another_provider'],
    ])('refuses %j at %s', async (body, pointer, code) => {
      expect((await put(body)).error).toMatchObject({ status: 400, code: 'validation_failed', errors: [{ pointer, code }] });
    });

    test('refuses GET, which Twilio may be told to use: it tells its owner, and nothing is lost unseen', async () => {
      const { pathname, search } = new URL((await TwilioHook.connect(app, newTenant())).url);
      expect((await app.fetch(pathname + search, { token: '' })).status).toBe(405);
    });

    test('rotates to the account’s secondary token; the first is good for 24 hours more', async () => {
      const tenant = newTenant();
      const hook = await TwilioHook.connect(app, tenant);
      await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', { ...twilioPath, body: { secret: 'the-secondary-token' } });
      expect((await hook.post(inbound('+41791000000', 'hello'))).status).toBe(200);
      expect((await hook.post(inbound('+41791000000', 'hello'), { token: 'the-secondary-token' })).status).toBe(200);
      expect((await hook.post(inbound('+41791000000', 'hello'), { token: 'another-token' })).status).toBe(401);
    });
  });

  describe('a signature', () => {
    test('is over the public URL and every field; with one byte changed anywhere nothing is kept', async () => {
      const tenant = newTenant();
      const hook = await TwilioHook.connect(app, tenant);
      const form = inbound('+41791000000', 'Grüezi & 2+2=4 🍕', { MediaUrl: ['b', 'a', 'b'], Empty: '' });
      const refused: [string, Parameters<TwilioHook['post']>[1]][] = [
        ['body', { body: encodeForm({ ...form, Body: 'Grüezi & 2+2=5 🍕' }) }],
        ['a field more', { body: `${encodeForm(form)}&More=1` }],
        ['a field less', { body: encodeForm(form).replace('&Empty=', '') }],
        ['URL', { url: `${hook.url}&delivery_id=dlv_1` }],
        ['signed for another host', { signedUrl: hook.url.replace('crm.', 'evil.') }],
        ['signed for another port', { signedUrl: hook.url.replace('.com/', '.com:8443/') }],
        ['signed over http', { signedUrl: hook.url.replace('https:', 'http:') }],
        ['signature', { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
        ['no signature', { signature: '' }],
        ['no base64', { signature: '!'.repeat(28) }],
        ['token', { token: DEPLOYMENT_TOKEN }],
      ];
      for (const [what, over] of refused) expect([what, (await hook.post(form, over)).status]).toEqual([what, 401]);
      expect(await stored(tenant)).toBe(0);
      expect(await hook.post(form)).toEqual({ status: 200, type: 'text/xml; charset=utf-8', text: EMPTY });
      expect((await hook.post(inbound('+41791000000', 'again'), { signedUrl: hook.url.replace('.com/', '.com:443/') })).status).toBe(200);
      const [first] = (await settled(tenant)).slice(-1);
      expect(first).toMatchObject({ type: 'received', status: 'processed', payload: { Body: 'Grüezi & 2+2=4 🍕', MediaUrl: ['b', 'a', 'b'] } });
    });

    test('of a JSON body is over the URL that has its hash', async () => {
      const hook = await TwilioHook.connect(app, newTenant());
      const body = JSON.stringify(status('SM1', 'sent'));
      expect((await hook.postJson(body, `${body} `)).status).toBe(401);
      expect((await hook.postJson(body)).status).toBe(200);
    });

    test('holds against anything: nothing fails on our side, and nothing unsigned is kept', async () => {
      const tenant = newTenant();
      const hook = await TwilioHook.connect(app, tenant);
      const text = fc.oneof(fc.string(), fc.constantFrom('STOP', '\u0000', '%', 'received', '+41791000000'));
      const form = fc.dictionary(fc.oneof(fc.constantFrom('MessageStatus', 'SmsStatus', 'MessageSid', 'Body', 'From', 'To', 'OptOutType', '__proto__', 'constructor'), fc.string()), fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })));
      await fc.assert(fc.asyncProperty(form, async (fields) => {
        expect((await hook.post(fields, { token: 'another-token' })).status).toBe(401);
      }), { numRuns: 60 });
      expect(await stored(tenant)).toBe(0);
      await fc.assert(fc.asyncProperty(form, async (fields) => {
        const wellFormed = JSON.stringify(fields).isWellFormed();
        expect(wellFormed ? [200, 400] : [200, 400, 401]).toContain((await hook.post(fields)).status);
      }), { numRuns: 150 });
      await settled(tenant);
    });
  });

  describe('status callbacks', () => {
    test('come to the URL that went out with the message, under the operator’s token, in any order and again', async () => {
      const tenant = newTenant();
      const { mailings, mailing, forms, sid } = await send(tenant, 3);
      const report = (n: number, name: string, over: Form = {}) => {
        const phone = `+4179100${String(n).padStart(4, '0')}`;
        return new TwilioHook(app, forms.get(phone)!.StatusCallback!, DEPLOYMENT_TOKEN).post(status(sid(phone), name, { To: phone, ...over }));
      };
      for (const name of ['delivered', 'queued', 'sent', 'sending', 'delivered']) expect(await report(0, name)).toMatchObject({ status: 200, text: EMPTY });
      await report(1, 'undelivered', { ErrorCode: '30003' });
      await report(2, 'sent');
      await report(2, 'hovering');
      expect((await settled(tenant)).map((one) => `${one.type} ${one.status}`).sort()).toEqual(
        ['delivered duplicate', 'delivered processed', 'hovering failed', 'queued processed', 'sending processed', 'sent processed', 'sent processed', 'undelivered processed']);
      expect((await mailings.ledger(mailing)).map(({ delivered_at, failed_at, reason }) => [delivered_at !== null, failed_at !== null, reason])).toEqual([[true, false, null], [false, true, 'twilio_30003'], [false, false, null]]);
      expect(await suppressed(tenant)).toEqual([]);
    });

    test('that contradict each other count once: the later word, unless the message was read', async () => {
      const tenant = newTenant();
      const { mailings, mailing, forms, sid } = await send(tenant, 3);
      const report = async (n: number, ...names: string[]) => {
        const phone = `+4179100${String(n).padStart(4, '0')}`;
        for (const name of names) {
          app.clock.advance(1_000);
          await new TwilioHook(app, forms.get(phone)!.StatusCallback!, DEPLOYMENT_TOKEN).post(status(sid(phone), name, { To: phone }));
        }
        await settled(tenant);
        return mailings.counters(mailing);
      };
      expect(await report(0, 'delivered')).toEqual({ sent: 3, delivered: 1 });
      expect(await report(0, 'undelivered')).toEqual({ sent: 3, failed: 1 });
      expect(await report(1, 'failed')).toEqual({ sent: 3, failed: 2 });
      expect(await report(1, 'delivered')).toEqual({ sent: 3, delivered: 1, failed: 1 });
      expect(await report(2, 'delivered', 'read', 'failed')).toEqual({ sent: 3, delivered: 2, opened: 1, failed: 1 });
      const shown = await app.api(['marketing'], tenant).GET('/api/v1/marketing/campaigns/{campaign_id}/report', { params: { path: { campaign_id: mailing.campaignId } } });
      expect(shown.data?.per_channel ?? shown.error).toMatchObject([{ channel: 'sms', delivered: 2, failed: 1 }]);
    });

    test('tell of numbers that nobody has, and of people who said STOP to Twilio', async () => {
      const tenant = newTenant();
      const { forms, sid } = await send(tenant, 2);
      const [first, second] = [...forms.keys()].sort() as [string, string];
      await new TwilioHook(app, forms.get(first)!.StatusCallback!, DEPLOYMENT_TOKEN).post(status(sid(first), 'failed', { To: first, ErrorCode: '21610' }));
      await new TwilioHook(app, forms.get(second)!.StatusCallback!, DEPLOYMENT_TOKEN).post(status(sid(second), 'undelivered', { To: second, ErrorCode: '30005' }));
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual(['hard_bounce', 'opt_out']);
      expect(await consentOf(tenant, 'g0')).toMatchObject({ status: 'unsubscribed', source: 'webhook:twilio' });
      expect((await consentOf(tenant, 'g1')).status).toBe('subscribed');
    });

    test('of the tenant’s own account come to its connection, and without one under its own token', async () => {
      const tenant = newTenant();
      const admin = app.api(['tenant_admin'], tenant);
      await admin.PUT('/api/v1/marketing/channels/twilio', { body: OWN });
      await admin.PATCH('/api/v1/marketing/settings', { body: { sender: { sms_from: '+14155550100' } as never } });
      const one = await send(tenant, 1);
      const [[phone, form]] = [...one.forms] as [[string, Record<string, string>]];
      expect(form.StatusCallback).toMatch(/^https:\/\/crm\.example\.com\/api\/v1\/marketing\/webhooks\/twilio\?delivery_id=dlv_/);
      const own = new TwilioHook(app, form.StatusCallback!, OWN.auth_token);
      expect((await own.post(status(one.sid(phone), 'delivered', { To: phone }), { token: 'a-strangers-token' })).status).toBe(401);
      expect((await own.post(status(one.sid(phone), 'delivered', { To: phone }))).status).toBe(200);
      await settled(tenant);
      expect(await one.mailings.counters(one.mailing)).toMatchObject({ delivered: 1 });

      const { data } = await put({ scheme: 'twilio', secret: OWN.auth_token }, tenant);
      const two = await send(tenant, 1);
      const callback = two.forms.get(phone)!.StatusCallback!;
      expect(new URL(callback).searchParams.get('connection')).toBe(data!.id);
      expect((await new TwilioHook(app, callback, OWN.auth_token).post(status(two.sid(phone), 'delivered', { To: phone }))).status).toBe(200);
      await settled(tenant);
      expect(await two.mailings.counters(two.mailing)).toMatchObject({ delivered: 1 });
      const kept = await app.sql<{ query: string }>(`SELECT query FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant]);
      expect(kept.map(({ query }) => query)).toEqual(Array(2).fill(expect.stringMatching(/^delivery_id=dlv_[0-9a-z]{21}$/))); // and not what opens the connection

      await admin.DELETE(CONNECTION, twilioPath);
      const three = await send(tenant, 1);
      expect(three.forms.get(phone)!.StatusCallback).not.toContain('connection');
    });

    test('of another tenant’s message change nothing, whoever signs', async () => {
      const victim = await send(newTenant(), 1);
      const [[phone, form]] = [...victim.forms] as [[string, Record<string, string>]];
      const stranger = newTenant();
      const hook = await TwilioHook.connect(app, stranger);
      const url = `${hook.url}&${new URL(form.StatusCallback!).search.slice(1)}`;
      expect((await new TwilioHook(app, url, hook.token).post(status(victim.sid(phone), 'undelivered', { To: '+41791009999', ErrorCode: '30005' }))).status).toBe(200);
      expect(await settled(stranger)).toMatchObject([{ status: 'unmatched' }]);
      expect(await victim.mailings.counters(victim.mailing)).toEqual({ sent: 1 });
    });
  });

  describe('messages that people send', () => {
    const guest = async (): Promise<{ tenant: string; hook: TwilioHook; phone: string }> => {
      const tenant = newTenant();
      await addCustomers(app, [{ id: 'ada', phone: '+41791000000', ...opted('subscribed') }], tenant);
      return { tenant, hook: await TwilioHook.connect(app, tenant), phone: '+41791000000' };
    };

    test.each(['STOP', 'quit', 'End', 'CANCEL', 'Unsubscribe', 'REVOKE', 'opt-out', 'OptOut', 'Stop all.', ' stop\n'])('“%s” suppresses at once, START lifts', async (word) => {
      const { tenant, hook, phone } = await guest();
      expect((await hook.post(inbound(phone, word))).text).toBe(EMPTY);
      await eventually(async () => expect(await suppressed(tenant)).toEqual(['unsubscribed']), { within: 3000 });
      expect(await consentOf(tenant, 'ada')).toMatchObject({ status: 'unsubscribed', source: 'webhook:twilio' });
      await hook.post(inbound(phone, 'Start'));
      await eventually(async () => expect(await suppressed(tenant)).toEqual([]));
      expect((await consentOf(tenant, 'ada')).status).toBe('subscribed');
    });

    test('anything else is kept and changes nothing', async () => {
      const { tenant, hook, phone } = await guest();
      for (const text of ['please stop by', 'stopped', 'no', 'STOP IT', '', 'I’ll start']) await hook.post(inbound(phone, text));
      await hook.post(inbound(`whatsapp:${phone}`, 'STOP'));
      expect((await settled(tenant)).map((one) => one.status)).toEqual(Array(7).fill('processed'));
      expect(await suppressed(tenant)).toEqual([]);
    });

    test('Advanced Opt-Out’s own word counts, in whichever language the message is', async () => {
      const { tenant, hook, phone } = await guest();
      await hook.post(inbound(phone, 'Basta', { OptOutType: 'STOP' }));
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual(['unsubscribed']);
      await hook.post(inbound(phone, 'Ancora', { OptOutType: 'START' }));
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual([]);
    });

    test('a person’s erasure takes what they said and what was said of their messages, and leaves the others’', async () => {
      const { tenant, hook, phone } = await guest();
      await hook.post(inbound(phone, 'I am Ada'));
      await hook.post(status('SM0', 'sent', { To: phone }));
      await hook.post(inbound('+41791000009', 'I am Grace'));
      await settled(tenant);
      const api = app.api(['tenant_admin'], tenant);
      const customer = { params: { path: { customer_id: 'ada' } } };
      expect(JSON.stringify((await api.GET('/api/v1/marketing/customers/{customer_id}/export', customer)).data)).toContain('I am Ada');
      expect((await api.DELETE('/api/v1/marketing/customers/{customer_id}', customer)).response.status).toBe(204);
      const bodies = await app.sql<{ body: string }>(`SELECT convert_from(body, 'UTF8') AS body FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant]);
      expect(bodies).toEqual([{ body: expect.stringContaining('I+am+Grace') as string }]);
      expect((await settled(tenant)).map((one) => (one.payload as Form | null)?.Body ?? null)).toEqual(['I am Grace', null, null]);
    });

    test('HELP is answered by name, unless Twilio has answered', async () => {
      const { tenant, hook, phone } = await guest();
      expect((await hook.post(inbound(phone, 'help?'))).text).toContain('<Message>Reply STOP to opt out, START to opt in again.</Message>');
      await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { sender: { from_name: 'Fish & <Chips>' } as never } });
      expect((await hook.post(inbound(phone, 'INFO'))).text).toContain('<Message>Fish &amp; &lt;Chips&gt;: Reply STOP');
      expect((await hook.post(inbound(phone, 'HELP', { OptOutType: 'HELP' }))).text).toBe(EMPTY);
      expect(await suppressed(tenant)).toEqual([]);
    });

    test('a START lifts what a number opted out of before anybody had it; an earlier one nothing', async () => {
      const tenant = newTenant();
      const hook = await TwilioHook.connect(app, tenant);
      const start = inbound('+41791000001', 'START');
      await hook.post(start);
      await hook.post(inbound('+41791000001', 'STOP'));
      await settled(tenant);
      const [early] = (await settled(tenant)).slice(-1);
      await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/{event_id}/replay', { params: { path: { provider: 'twilio', event_id: early!.id } } });
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual(['unsubscribed']);
      await hook.post(inbound('+41791000001', 'UNSTOP'));
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual([]);
    });

    test.each(['YES', 'START', 'UNSTOP'])('%s lifts an opt-out, for everybody who has the number, and consents to nothing', async (word) => {
      const tenant = newTenant();
      const phone = '+41791000009';
      const people = ['one', 'two', 'never'];
      await addCustomers(app, [{ id: 'one', phone, ...opted('subscribed') }, { id: 'two', phone, ...opted('subscribed') }, { id: 'never', phone }], tenant);
      const hook = await TwilioHook.connect(app, tenant);
      const say = async (text: string): Promise<string[]> => {
        await hook.post(inbound(phone, text));
        await settled(tenant);
        return Promise.all(people.map(async (id) => (await consentOf(tenant, id)).status));
      };
      expect(await say(word)).toEqual(['subscribed', 'subscribed', 'unknown']);
      expect(await say('STOP')).toEqual(['unsubscribed', 'unsubscribed', 'unsubscribed']);
      expect(await say(word)).toEqual(['subscribed', 'subscribed', 'unknown']);
      expect(await suppressed(tenant)).toEqual([]);
    });

    test('of a type that Twilio has not told us of are what they say', async () => {
      const { tenant, hook, phone } = await guest();
      await hook.post(inbound(phone, 'STOP', { OptOutType: 'SNOOZE' }));
      await settled(tenant);
      expect(await suppressed(tenant)).toEqual(['unsubscribed']);
    });

    test('to the operator’s number are for every tenant that wrote from it, and for no other', async () => {
      const [one, two, other] = [newTenant(), newTenant(), newTenant()];
      const own = newTenant();
      await app.api(['tenant_admin'], own).PUT('/api/v1/marketing/channels/twilio', { body: OWN });
      await app.api(['tenant_admin'], own).PATCH('/api/v1/marketing/settings', { body: { sender: { sms_from: '+14155550100' } as never } });
      for (const tenant of [one, two, own]) await send(tenant, 1, 77);
      await app.api(['tenant_admin'], one).PUT('/api/v1/marketing/channels/twilio', { body: OWN }); // since: it is still meant
      await addCustomers(app, [{ id: 'g0', phone: '+41791000077', ...opted('subscribed') }], other);
      const operator = new TwilioHook(api, `${PUBLIC_URL}/api/v1/marketing/webhooks/twilio`, DEPLOYMENT_TOKEN);
      const transactions = vi.spyOn(api.nest.get(Database, { strict: false }), 'inTenant');
      expect((await operator.post(inbound('+41791000077', 'STOP'))).status).toBe(200);
      expect(transactions.mock.calls.map(([tenant]) => tenant.name).sort()).toEqual([one, two].sort()); // nobody else is asked, however many there are
      for (const tenant of [one, two]) await eventually(async () => expect(await suppressed(tenant)).toEqual(['unsubscribed']), { within: 3000 });
      for (const tenant of [own, other]) expect(await suppressed(tenant)).toEqual([]);
      await operator.post(inbound('+41791000077', 'YES'));
      for (const tenant of [one, two]) await eventually(async () => expect(await suppressed(tenant)).toEqual([]));

      // What fails for one of them keeps it from no other, and is told.
      const [{ id }] = await app.sql<{ id: number }>('SELECT id FROM tenants WHERE name = $1', [one]) as [{ id: number }];
      await app.sql(`ALTER TABLE webhook_bodies ADD CONSTRAINT out_of_order CHECK (tenant_id <> ${id}) NOT VALID`);
      const again = inbound('+41791000077', 'STOP');
      expect((await operator.post(again)).status).toBe(500);
      await eventually(async () => expect(await suppressed(two)).toEqual(['unsubscribed']));
      expect(await suppressed(one)).toEqual([]);
      await app.sql('ALTER TABLE webhook_bodies DROP CONSTRAINT out_of_order');
      expect((await operator.post(again)).status).toBe(200);
      await eventually(async () => expect(await suppressed(one)).toEqual(['unsubscribed']));

      await app.api(['tenant_admin'], one).DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'g0' } } });
      const writers = async () => (await app.sql<{ name: string }>('SELECT name FROM number_directory JOIN tenants ON id = tenant_id WHERE name = ANY ($1)', [[one, two, own]])).map(({ name }) => name).sort();
      expect(await writers()).toEqual([one, two].sort()); // who was erased may still answer
      await app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'mailing-addresses-forget'`); // of in 30 days
      await eventually(async () => expect(await writers()).toEqual([two]));
    });
  });
});

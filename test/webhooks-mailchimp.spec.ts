import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { encodeDeliveryId } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { addCustomers } from './support/customers.js';
import { InboundEvents } from './support/inbound-events.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSendGrid, type TestSendGrid } from './support/sendgrid.js';
import { newTenant } from './support/tokens.js';

const CONNECTION = '/api/v1/marketing/webhooks/{provider}/connection';
const mailchimp = { params: { path: { provider: 'mailchimp' as const } } };
const PUBLIC_URL = 'https://crm.example.com';
const KEY = 'qJa7TSmQ8KyT0YcKGd8bbQ';

type Form = Record<string, string>;

/** By Mandrill's own description, in as few words as it takes. */
const sign = (key: string, url: string, form: Form): string => createHmac('sha1', key).update(url + Object.keys(form).sort().map((name) => name + form[name]!).join('')).digest('base64');

describe('Mailchimp’s webhooks', () => {
  let provider: TestSendGrid;
  let app: TestApp;
  beforeAll(async () => {
    provider = await startSendGrid();
    app = await startApp({ worker: true, env: { PUBLIC_URL, SENDGRID_API_KEY: 'SG.deployment', SENDGRID_API_URL: provider.url, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } });
  });
  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const put = async (tenant: string, body: object) => app.api(['tenant_admin'], tenant).PUT(CONNECTION, { ...mailchimp, body });
  const connect = async (body: object): Promise<{ url: string; events: InboundEvents }> => {
    const tenant = newTenant();
    return { url: (await put(tenant, body)).data!.url, events: new InboundEvents(app, 'mailchimp', tenant) };
  };
  const send = async (url: string, method: string, body?: string | Buffer, headers: Record<string, string> = {}) => {
    const { pathname, search } = new URL(url);
    const response = await app.fetch(pathname + search, { method, ...(body !== undefined && { body: body as RequestInit['body'] }), headers: { ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers }, token: '' });
    return { status: response.status, text: await response.text() };
  };
  const post = (url: string, form: Form) => send(url, 'POST', new URLSearchParams(form).toString());
  const firedAt = (offset = 0) => new Date(app.clock.now().getTime() + offset).toISOString().slice(0, 19).replace('T', ' ');
  const member = (type: string, email: string, over: Form = {}): Form => ({ type, fired_at: firedAt(), 'data[id]': '8a25ff1d98', 'data[list_id]': 'a6b5da1054', 'data[email]': email, 'data[email_type]': 'html', ...over });

  describe('of an audience', () => {
    test('come to a URL with a secret, which is shown, looked at by GET and HEAD, and rotated', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      expect(url).toMatch(/^https:\/\/crm\.example\.com\/api\/v1\/marketing\/webhooks\/mailchimp\?connection=whc_[0-9a-z]{26}&secret=whsec_/);
      expect(await send(url, 'GET')).toEqual({ status: 200, text: '' });
      expect((await send(url, 'HEAD')).status).toBe(200);
      const without = url.replace(/&secret=.*/, '');
      const wrong = url.slice(0, -1);
      for (const bad of [without, wrong, `${without}&secret=`]) {
        for (const method of ['GET', 'HEAD']) expect((await send(bad, method)).status).toBe(401);
        expect((await post(bad, member('subscribe', 'a@example.com'))).status).toBe(401);
      }
      expect(await events.stored()).toBe(0);
      expect(await post(url, member('campaign', ''))).toEqual({ status: 200, text: '{"received":1,"accepted":1,"duplicates":0}' });
      const [body] = await app.sql<{ query: string | null }>(`SELECT query FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [events.tenant]);
      expect(body!.query ?? '').toBe(''); // the secret is not kept with what it let in

      const { data } = await app.api(['tenant_admin'], events.tenant).POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', { ...mailchimp, body: undefined as never });
      expect(data!.url).not.toBe(url);
      for (const good of [url, data!.url]) expect((await send(good, 'GET')).status).toBe(200);
    });

    test('have neither a timestamp to tolerate nor a key of their own', async () => {
      expect((await put(newTenant(), { scheme: 'mailchimp', tolerance_seconds: 60 })).error).toMatchObject({ status: 400, errors: [{ pointer: '/tolerance_seconds', code: 'not_of_scheme' }] });
      expect((await put(newTenant(), { scheme: 'mailchimp', api_token: 'a-token-of-another' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/api_token', code: 'not_of_scheme' }] });
      expect((await put(newTenant(), { scheme: 'mandrill' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/secret', code: 'required' }] });
    });

    test('make who subscribes a customer who wants email, and follow who they are', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com', first_name: 'Augusta', city: 'London' }], events.tenant);
      for (const email of ['ADA@example.com', 'grace@example.com']) await post(url, member('subscribe', email, { 'data[merges][FNAME]': email[0]!.toUpperCase(), 'data[merges][LNAME]': 'L.' }));
      await events.settled();
      expect(await events.customers()).toEqual([
        { customer_id: 'ada', email: 'ada@example.com', phone: null, first_name: 'A', last_name: 'L.', consent: 'subscribed', source: 'webhook:mailchimp' },
        { customer_id: expect.stringMatching(/^mailchimp_/) as string, email: 'grace@example.com', phone: null, first_name: 'G', last_name: 'L.', consent: 'subscribed', source: 'webhook:mailchimp' },
      ]);
      await post(url, member('profile', 'ada@example.com', { 'data[merges][FNAME]': 'Ada', 'data[merges][LNAME]': '' }));
      await post(url, member('profile', 'stranger@example.com', { 'data[merges][FNAME]': 'S' }));
      await post(url, { type: 'upemail', fired_at: firedAt(), 'data[list_id]': 'a6b5da1054', 'data[new_id]': '51da8c3259', 'data[new_email]': 'hopper@example.com', 'data[old_email]': 'grace@example.com' });
      expect(await events.outcomes()).toEqual(['profile processed', 'profile unmatched unknown_customer', 'subscribe processed', 'subscribe processed', 'upemail processed']);
      expect(await events.customers()).toMatchObject([{ email: 'ada@example.com', first_name: 'Ada', last_name: 'L.' }, { email: 'hopper@example.com', first_name: 'G', consent: 'subscribed' }]);
    });

    test('tell nothing that was told as of later, however late they come', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      const names = async () => (await events.customers()).map(({ email, first_name: first, last_name: last }) => [email, first, last]);
      const tell = async (type: string, offset: number, first: string, last: string) => {
        await post(url, member(type, 'ada@example.com', { fired_at: firedAt(offset), 'data[merges][FNAME]': first, 'data[merges][LNAME]': last }));
        await events.settled();
      };
      await tell('subscribe', -60_000, 'A.', '');
      await tell('profile', -10_000, 'Ada', '');
      await tell('profile', -30_000, 'Augusta', 'King'); // which said nothing of the last name that anybody has said later
      expect(await names()).toEqual([['ada@example.com', 'Ada', 'King']]);
      await tell('subscribe', -50_000, 'Augusta', 'Byron');
      expect(await names()).toEqual([['ada@example.com', 'Ada', 'King']]);
      await tell('profile', -10_000, 'Ada', 'Lovelace'); // of one instant the last to come
      expect(await names()).toEqual([['ada@example.com', 'Ada', 'Lovelace']]);
    });

    test('close an address: at will, for a complaint, for a bounce; nobody’s will is told by a bounce', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      await addCustomers(app, ['a', 'b', 'c', 'd'].map((id) => ({ id, email: `${id}@example.com` })), events.tenant);
      await post(url, member('unsubscribe', 'a@example.com', { 'data[action]': 'delete', 'data[reason]': 'manual', 'data[campaign_id]': 'cb398d21d2' }));
      await post(url, member('unsubscribe', 'b@example.com', { 'data[action]': 'unsub', 'data[reason]': 'abuse' }));
      await post(url, member('cleaned', 'c@example.com', { 'data[reason]': 'hard', 'data[campaign_id]': '4fjk2ma9xd' }));
      await post(url, member('cleaned', 'd@example.com', { 'data[reason]': 'abuse' }));
      await post(url, member('unsubscribe', 'nobody@example.com', { 'data[action]': 'unsub', 'data[reason]': 'manual' }));
      expect(await events.outcomes()).toEqual(['cleaned processed', 'cleaned processed', 'unsubscribe processed', 'unsubscribe processed', 'unsubscribe processed']);
      expect(await events.suppressions()).toEqual(['complaint', 'complaint', 'hard_bounce', 'unsubscribed', 'unsubscribed']);
      expect((await events.customers()).map(({ consent }) => consent)).toEqual(['unsubscribed', 'unsubscribed', 'unknown', 'unsubscribed']);
      await post(url, member('subscribe', 'a@example.com', { fired_at: firedAt(-3600_000) })); // older than the opt-out
      await events.settled();
      expect((await events.customers())[0]!.consent).toBe('unsubscribed');
      await post(url, member('subscribe', 'a@example.com', { fired_at: firedAt(2000) }));
      await eventually(async () => expect((await events.customers())[0]!.consent).toBe('subscribed'));
      expect(await events.suppressions()).toEqual(['complaint', 'complaint', 'hard_bounce', 'unsubscribed']);
    });

    test('of more fields than anybody posts are refused as such, and kept nowhere', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      const refused = { status: 400, text: expect.stringContaining('"code":"too_large"') };
      expect(await send(url, 'POST', `type=profile${'&a'.repeat(1_000)}`)).toEqual(refused);
      expect(await send(url, 'POST', `type=profile${'&a'.repeat(2_000_000)}`)).toEqual(refused);
      expect(await events.stored()).toBe(0);
      expect((await send(url, 'POST', `type=profile&data[email]=a@example.com${'&a'.repeat(998)}`)).status).toBe(200);
    });

    test('count once when they come again; of unknown kinds they are kept', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      const form = member('unsubscribe', 'a@example.com');
      for (let n = 0; n < 3; n++) await post(url, form);
      await post(url, member('teleported', 'a@example.com'));
      expect(await events.outcomes()).toEqual(['teleported failed unsupported_event_type', 'unsubscribe duplicate', 'unsubscribe duplicate', 'unsubscribe processed']);
      expect((await send(url, 'POST', '{}', { 'content-type': 'application/json' })).status).toBe(415);
    });
  });

  describe('of Mandrill', () => {
    const mandrill = async () => {
      const connection = await connect({ scheme: 'mandrill', secret: KEY });
      const deliver = (list: unknown, over: { key?: string; url?: string; signed?: unknown; signature?: string } = {}) => {
        const form = { mandrill_events: typeof list === 'string' ? list : JSON.stringify(list) };
        const signed = over.signed === undefined ? form : { mandrill_events: JSON.stringify(over.signed) };
        return send(over.url ?? connection.url, 'POST', new URLSearchParams(form).toString(), { 'x-mandrill-signature': over.signature ?? sign(over.key ?? KEY, connection.url, signed) });
      };
      return { ...connection, deliver };
    };
    let serial = 0;
    const event = (name: string, over: object = {}, msg: object = {}) => {
      const _id = `${++serial}`.padStart(32, 'a');
      return { event: name, _id, ts: Math.floor(app.clock.now().getTime() / 1000), msg: { _id, email: 'a@example.com', subject: 'An example', state: 'sent', metadata: [], tags: [], ...msg }, ...over };
    };

    test('are looked for before there is a key, and tried without events; what anybody could sign is kept nowhere', async () => {
      const { url, events, deliver } = await mandrill();
      expect((await send(url, 'HEAD')).status).toBe(200);
      expect(await deliver('[]', { key: 'test-webhook' })).toEqual({ status: 200, text: '{"received":0,"accepted":0,"duplicates":0}' });
      expect((await deliver([event('spam')], { key: 'test-webhook' })).status).toBe(401);
      expect(await events.stored()).toBe(0);
      // The URL is there before the key: connected in whatever way, it stays when the scheme is chosen.
      const plain = await connect({});
      expect((await send(plain.url, 'HEAD')).status).toBe(200);
      expect((await put(plain.events.tenant, { scheme: 'mandrill', secret: KEY })).data!.url).toBe(plain.url);
    });

    test('are signed over URL and form: with anything changed nothing is kept', async () => {
      const { url, events, deliver } = await mandrill();
      const list = [event('unsub')];
      for (const over of [{ key: 'another' }, { url: `${url}&x=1` }, { signed: [event('unsub')] }, { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }, { signature: '' }, { signature: '!' }]) expect((await deliver(list, over)).status).toBe(401);
      expect(await events.stored()).toBe(0);
      expect(await deliver(list)).toEqual({ status: 200, text: '{"received":1,"accepted":1,"duplicates":0}' });
      expect((await deliver('{"a":')).status).toBe(400);
      await app.api(['tenant_admin'], events.tenant).POST('/api/v1/marketing/webhooks/{provider}/connection/rotate', { ...mailchimp, body: { secret: 'the-next-key' } });
      for (const key of [KEY, 'the-next-key']) expect((await deliver([event('send')], { key })).status).toBe(200);
    });

    test('come to the URL of a tenant’s audiences, too: its secret verifies both, and nothing else does', async () => {
      const { url, events } = await connect({ scheme: 'mailchimp' });
      const deliver = (to: string, ...names: string[]) => {
        const form = { mandrill_events: JSON.stringify(names.map((name) => event(name))) };
        return send(to, 'POST', new URLSearchParams(form).toString(), { 'x-mandrill-signature': sign(KEY, to, form) });
      };
      expect(await deliver(url)).toEqual({ status: 200, text: '{"received":0,"accepted":0,"duplicates":0}' });
      expect(await deliver(url, 'send', 'unsub')).toMatchObject({ status: 200 });
      expect((await post(url, member('unsubscribe', 'b@example.com'))).status).toBe(200);
      expect((await deliver(url.replace(/&secret=.*/, ''), 'spam')).status).toBe(401);
      expect(await events.outcomes()).toEqual(['send processed', 'unsub processed', 'unsubscribe processed']);
      expect(await events.suppressions()).toEqual(['unsubscribed', 'unsubscribed']);
    });

    test('move the campaign’s metrics by the delivery’s id in the message’s metadata', async () => {
      const { events, deliver } = await mandrill();
      const mailings = await Mailings.of(app, events.tenant);
      const numbers = await mailings.people(['a', 'b', 'c', 'd'].map((id) => ({ id, email: `${id}@example.com` })));
      const mailing = await mailings.start(CONTENT, numbers);
      await mailings.finished(mailing);
      const [a, b, c, d] = numbers.map((customerNo, index) => ({ email: `${'abcd'[index]}@example.com`, metadata: { delivery_id: encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' }) } }));
      const open = event('open', {}, a);
      await deliver([
        event('send', {}, a), event('delivered', {}, a), open, open, { ...open, event: 'click', url: 'https://order.example.com/' }, event('soft_bounce', {}, b), event('hard_bounce', {}, { ...c, diag: 'smtp;550 5.1.1 no such user' }),
        event('spam', {}, d), { type: 'blacklist', action: 'add', ts: 1384954004, reject: { email: 'c@example.com', reason: 'hard-bounce' } }, event('teleported', {}, d),
      ]);
      expect(await events.outcomes()).toEqual([
        'blacklist.add processed', 'click processed', 'delivered processed', 'hard_bounce processed', 'open duplicate', 'open processed', 'send processed', 'soft_bounce processed', 'spam processed', 'teleported failed unsupported_event_type',
      ]);
      expect(await mailings.counters(mailing)).toMatchObject({ sent: 4, delivered: 2, opened: 1, clicked: 1, bounced: 2, complained: 1 });
      expect(await events.suppressions()).toEqual(['complaint', 'hard_bounce']);
    });
  });

  test('whatever comes, nothing fails on our side, and nothing unsigned is kept', async () => {
    const { url, events } = await connect({ scheme: 'mailchimp' });
    const other = await connect({ scheme: 'mandrill', secret: KEY });
    const text = fc.oneof(fc.string(), fc.constantFrom('subscribe', 'cleaned', 'upemail', 'a@example.com', '\u0000', '[{"event":"open"}]', '[]'));
    const form = fc.dictionary(fc.oneof(fc.constantFrom('type', 'fired_at', 'data[email]', 'data[reason]', 'data[old_email]', 'data[merges][FNAME]', 'mandrill_events', '__proto__'), fc.string()), text);
    await fc.assert(fc.asyncProperty(form, async (fields) => {
      const body = new URLSearchParams(fields).toString();
      expect((await send(url.replace(/&secret=.*/, '&secret=no'), 'POST', body)).status).toBe(401);
      expect((await send(other.url, 'POST', body, { 'x-mandrill-signature': sign('no', other.url, fields) })).status).toBe(401);
    }), { numRuns: 40 });
    expect([await events.stored(), await other.events.stored()]).toEqual([0, 0]);
    await fc.assert(fc.asyncProperty(form, async (fields) => {
      const body = new URLSearchParams(fields).toString();
      const decoded = Object.fromEntries(new URLSearchParams(body));
      expect([200, 400]).toContain((await send(url, 'POST', body)).status);
      expect([200, 400]).toContain((await send(other.url, 'POST', body, { 'x-mandrill-signature': sign(KEY, other.url, decoded) })).status);
    }), { numRuns: 100 });
    await events.settled();
    await other.events.settled();
  });
});

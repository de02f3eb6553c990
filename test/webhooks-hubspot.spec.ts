import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { InboundEvents } from './support/inbound-events.js';
import { type ProviderAnswer, startProvider, type TestProvider } from './support/provider.js';
import { newTenant } from './support/tokens.js';
import { type Answer, WebhookSender } from './support/webhook-sender.js';

const CONNECTION = '/api/v1/marketing/webhooks/{provider}/connection';
const hubspotPath = { params: { path: { provider: 'hubspot' as const } } };
const PUBLIC_URL = 'https://crm.example.com';
const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy';
const TOKEN = 'pat-na1-11111111-2222-3333-4444-555555555555';
const INVALID = { status: 401, body: { code: 'invalid_signature' } };

type Properties = Record<string, string | null>;

describe('HubSpot’s webhooks', () => {
  /** HubSpot's own contacts, by id. */
  const contacts = new Map<string, Properties>();
  const calls: string[][] = [];
  let refusal: ProviderAnswer | null = null;
  /** Held between reading the contacts and answering. */
  let answering: Promise<void> = Promise.resolve();
  let refused = 0;
  let api: TestProvider;
  let app: TestApp;
  beforeAll(async () => {
    api = await startProvider(async ({ method, url, headers }, body): Promise<ProviderAnswer> => {
      if (refusal !== null) {
        refused++;
        return refusal;
      }
      if (method !== 'POST' || url !== '/crm/v3/objects/contacts/batch/read' || headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { category: 'INVALID_AUTHENTICATION' } };
      const { inputs, properties } = JSON.parse(body) as { inputs: { id: string }[]; properties: string[] };
      calls.push(inputs.map(({ id }) => id));
      const found = inputs.filter(({ id }) => contacts.has(id));
      const results = found.map(({ id }) => ({ id, archived: false, url: `https://app.hubspot.com/${'x'.repeat(1000)}`, properties: Object.fromEntries(['hs_object_id', ...properties].map((name) => [name, name === 'hs_object_id' ? id : (contacts.get(id)![name] ?? null)])) }));
      await answering;
      return { status: found.length < inputs.length ? 207 : 200, body: { status: 'COMPLETE', results } };
    });
    app = await startApp({ worker: true, env: { PUBLIC_URL, HUBSPOT_API_URL: api.url, ALLOW_PRIVATE_TARGETS: '1' } });
  });
  afterAll(async () => {
    await app.close();
    await api.close();
  });
  afterEach(() => {
    refusal = null;
    refused = 0;
    calls.length = 0;
  });

  let serial = 1000;
  const contact = (properties: Properties): number => {
    contacts.set(String(++serial), properties);
    return serial;
  };
  const event = (subscriptionType: string, objectId: number, over: object = {}) => ({
    eventId: ++serial, subscriptionId: 234567, portalId: 12345678, appId: 987654, occurredAt: app.clock.now().getTime(), subscriptionType, attemptNumber: 0, objectId, changeFlag: 'CREATED', changeSource: 'CRM_UI', ...over,
  });
  const put = (tenant: string, body: object) => app.api(['tenant_admin'], tenant).PUT(CONNECTION, { ...hubspotPath, body });
  const connect = async (over: object = {}) => {
    const tenant = newTenant();
    const { url } = (await put(tenant, { scheme: 'hubspot', secret: SECRET, api_token: TOKEN, ...over })).data!;
    const { pathname, search } = new URL(url);
    const sender = new WebhookSender(app, pathname + search, '');
    const post = (body: unknown, over: { secret?: string; timestamp?: string; url?: string; signed?: string; headers?: Record<string, string | undefined> } = {}): Promise<Answer> => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const timestamp = over.timestamp ?? String(app.clock.now().getTime());
      const signature = createHmac('sha256', over.secret ?? SECRET).update(`POST${over.url ?? url}${over.signed ?? text}${timestamp}`).digest('base64');
      return sender.send(text, { 'content-type': 'application/json', 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp, ...over.headers });
    };
    return { url, tenant, post, events: new InboundEvents(app, 'hubspot', tenant) };
  };
  /** Once HubSpot has been asked. */
  const answered = (events: InboundEvents): Promise<string[]> =>
    eventually(async () => {
      const outcomes = await events.outcomes();
      expect(outcomes.filter((one) => one.includes('not_asked'))).toEqual([]);
      return outcomes;
    });

  describe('a signature', () => {
    test('is over method, public URL, body and time; with anything changed nothing is kept', async () => {
      const { url, post, events } = await connect();
      const body = JSON.stringify([event('company.creation', 1)]);
      const now = app.clock.now().getTime();
      for (const over of [
        { secret: 'another' }, { signed: `${body} ` }, { url: `${url}&x=1` }, { url: url.replace('crm.', 'evil.') }, { headers: { 'x-hubspot-request-timestamp': String(now + 1) } }, { headers: { 'x-hubspot-signature-v3': undefined } },
        { headers: { 'x-hubspot-signature-v3': 'AAAA' } }, { headers: { 'x-hubspot-request-timestamp': undefined } },
      ]) expect(await post(body, over)).toMatchObject(INVALID);
      for (const off of [-301_000, 301_000]) expect(await post(body, { timestamp: String(app.clock.now().getTime() + off) })).toMatchObject({ status: 401, body: { code: 'stale_timestamp' } });
      expect(await events.stored()).toBe(0);
      expect(await post(body)).toEqual({ status: 202, body: { received: 1, accepted: 1, duplicates: 0 } });
    });

    test('of an older version counts where there is none of the newest', async () => {
      const { url, post, events } = await connect();
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
      const body = JSON.stringify([event('company.creation', 1)]);
      const none = { 'x-hubspot-signature-v3': undefined, 'x-hubspot-request-timestamp': undefined };
      const v1 = { 'x-hubspot-signature-version': 'v1', 'x-hubspot-signature': sha256(SECRET + body) };
      const v2 = { 'x-hubspot-signature-version': 'v2', 'x-hubspot-signature': sha256(`${SECRET}POST${url}${body}`) };
      expect(await post(body, { headers: { ...v1, 'x-hubspot-signature-v3': 'A'.repeat(43) + '=' } })).toMatchObject(INVALID);
      expect(await post(body, { headers: { ...none, ...v1, 'x-hubspot-signature-version': 'v2' } })).toMatchObject(INVALID);
      expect(await events.stored()).toBe(0);
      for (const older of [v1, v2]) expect((await post(body, { headers: { ...none, ...older } })).status).toBe(202);
    });

    test('goes with the app’s client secret, and a token only with HubSpot', async () => {
      expect((await put(newTenant(), { scheme: 'hubspot' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/secret', code: 'required' }] });
      expect((await put(newTenant(), { api_token: TOKEN })).error).toMatchObject({ status: 400, errors: [{ pointer: '/api_token', code: 'not_of_scheme' }] });
      const { tenant } = await connect();
      const [kept] = await app.sql<{ sealed: Buffer }>(`SELECT api_token AS sealed FROM webhook_connections c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1`, [tenant]);
      expect(kept!.sealed.includes(TOKEN)).toBe(false);
      expect((await app.api(['tenant_admin'], tenant).GET(CONNECTION, hubspotPath)).data).toMatchObject({ has_api_token: true });
      expect((await put(tenant, { scheme: 'hubspot', secret: SECRET })).data).toMatchObject({ has_api_token: false });
    });
  });

  describe('contacts', () => {
    test('are asked for by a hundred, become customers, and stay who they became', async () => {
      const { tenant, post, events } = await connect();
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com', city: 'London' }], tenant);
      const ada = contact({ email: 'Ada@example.com', firstname: 'Ada', lastname: 'Lovelace' });
      const grace = contact({ email: 'grace@example.com', firstname: 'Grace', mobilephone: '+14155552671' });
      const many = Array.from({ length: 98 }, (_, n) => contact({ email: `many${n}@example.com` }));
      await post([ada, grace, ...many].map((id, n) => (n % 2 === 0 ? event('contact.creation', id) : event('object.creation', id, { objectTypeId: '0-1' }))));
      expect((await answered(events)).filter((one) => !one.endsWith('processed'))).toEqual([]);
      expect(calls.map((ids) => ids.length)).toEqual([100]);
      const known = await events.customers();
      expect(known).toHaveLength(100);
      expect(known.slice(0, 2)).toMatchObject([{ customer_id: 'ada', first_name: 'Ada', last_name: 'Lovelace' }, { customer_id: `hubspot_${grace}`, email: 'grace@example.com', phone: '+14155552671' }]);

      await addCustomers(app, [{ id: 'twin', email: 'hopper@example.com' }], tenant);
      contacts.set(String(grace), { email: 'hopper@example.com', firstname: 'Grace' });
      await post([event('contact.propertyChange', grace, { propertyName: 'email', propertyValue: 'hopper@example.com' }), event('contact.propertyChange', ada, { propertyName: 'lifecyclestage', propertyValue: 'lead' })]);
      await answered(events);
      expect(calls).toHaveLength(2);
      expect((await events.customers()).filter(({ customer_id: id }) => id === `hubspot_${grace}`)).toMatchObject([{ email: 'hopper@example.com', phone: '+14155552671' }]);
    });

    test('stay who they became when their address is another, also once that customer is merged or erased', async () => {
      const { tenant, post, events } = await connect();
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com' }, { id: 'countess', city: 'London' }], tenant);
      const ada = contact({ email: 'ada@example.com', firstname: 'Ada' });
      const moved = async (properties: Properties) => {
        contacts.set(String(ada), properties);
        await post([event('contact.propertyChange', ada, { propertyName: 'email' })]);
        await answered(events);
        return (await events.customers()).map(({ customer_id: id, email }) => [id, email]);
      };
      await post([event('contact.creation', ada)]);
      await answered(events);
      expect(await moved({ email: 'lovelace@example.com' })).toEqual([['ada', 'lovelace@example.com'], ['countess', null]]);
      const admin = app.api(['tenant_admin'], tenant);
      const at = (id: string) => ({ params: { path: { customer_id: id } } });
      await admin.POST('/api/v1/marketing/customers/{customer_id}/merge', { ...at('countess'), body: { from: 'ada' } });
      expect(await moved({ email: 'king@example.com' })).toEqual([['countess', 'king@example.com']]);
      expect((await admin.GET('/api/v1/marketing/customers/{customer_id}/export', at('countess'))).data).toMatchObject({ data: { provider_contacts: { contacts: [{ provider: 'hubspot', contact_id: String(ada) }], told: { phone_at: null } } } });
      contacts.set(String(ada), { email: 'gone@example.com', hs_email_optout: 'true' });
      await post([event('contact.propertyChange', ada, { propertyName: 'hs_email_optout', propertyValue: 'true' })]);
      await answered(events);
      expect(await events.customers()).toMatchObject([{ customer_id: 'countess', consent: 'unsubscribed' }]);
      await admin.DELETE('/api/v1/marketing/customers/{customer_id}', at('countess'));
      expect(await app.sql('SELECT FROM webhook_contacts c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1', [tenant])).toEqual([]);
      expect(await moved({ email: 'new@example.com' })).toEqual([[`hubspot_${ada}`, 'new@example.com']]);
    });

    test('are as they were when HubSpot was asked last, whichever answer comes first', async () => {
      const { post, events } = await connect();
      const ada = contact({ email: 'ada@example.com', firstname: 'A.', lastname: 'King' });
      const names = async () => (await events.customers()).map(({ first_name: first, last_name: last }) => [first, last]);
      const { promise, resolve } = Promise.withResolvers<void>();
      answering = promise;
      await post([event('contact.creation', ada)]);
      await eventually(() => expect(calls).toHaveLength(1));
      answering = Promise.resolve();
      app.clock.advance(1000); // so that it is later than the question before
      try {
        contacts.set(String(ada), { email: 'ada@example.com', firstname: 'Ada', lastname: null });
        await post([event('contact.propertyChange', ada, { propertyName: 'firstname', propertyValue: 'Ada' })]);
        await eventually(async () => expect(await names()).toEqual([['Ada', null]]));
        resolve();
        expect(await answered(events)).toEqual(['contact.creation processed', 'contact.propertyChange processed']);
        expect(await names()).toEqual([['Ada', 'King']]);
      } finally {
        resolve();
        app.clock.advance(-1000);
      }
    });

    test('that HubSpot does not know, or who cannot be written to, are nobody', async () => {
      const { post, events } = await connect();
      await post([event('contact.creation', 999_999_999), event('contact.creation', contact({ firstname: 'Nameless' })), event('contact.creation', contact({ email: 'nul\u0000@example.com' }))]);
      expect(await answered(events)).toEqual(['contact.creation unmatched no_person', 'contact.creation unmatched unknown_contact', 'contact.creation unmatched unknown_contact']);
    });

    test('that have opted out of all email there are not written to here', async () => {
      const { tenant, post, events } = await connect();
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com' }], tenant);
      const ada = contact({ email: 'ada@example.com', hs_email_optout: 'true' });
      await post([event('contact.propertyChange', ada, { propertyName: 'hs_email_optout', propertyValue: 'true' }), event('contact.creation', contact({ email: 'new@example.com', hs_email_optout: 'true' })), event('contact.creation', contact({ email: 'other@example.com', hs_email_optout: 'false' }))]);
      await answered(events);
      expect(await events.customers()).toMatchObject([
        { email: 'ada@example.com', consent: 'unsubscribed', source: 'webhook:hubspot' }, { email: 'new@example.com', consent: 'unsubscribed' }, { email: 'other@example.com', consent: 'unknown' },
      ]);
      expect(await events.suppressions()).toEqual(['unsubscribed', 'unsubscribed']);
    });

    test('are asked for again while HubSpot cannot answer, and given up in the end', async () => {
      const { post, events } = await connect();
      refusal = { status: 503 };
      await post([event('contact.creation', contact({ email: 'patient@example.com' }))]);
      expect(await events.outcomes()).toEqual(['contact.creation unmatched contact_not_asked_for_yet']);
      await eventually(() => expect(refused).toBeGreaterThan(0));
      refusal = null;
      expect(await answered(events)).toEqual(['contact.creation processed']);
      refusal = 'hang up';
      await post([event('contact.creation', contact({ email: 'lost@example.com' }))]);
      await events.settled();
      app.clock.advance(3600_000);
      try {
        await eventually(async () => expect(await events.outcomes()).toEqual(['contact.creation failed hubspot_unavailable', 'contact.creation processed']));
      } finally {
        app.clock.advance(-3600_000);
      }
    });

    test('are not asked for before HubSpot says, none of the tenant’s', async () => {
      const { tenant, post, events } = await connect();
      const waiting = () => app.sql<{ seconds: number }>(
        `SELECT extract(epoch FROM start_after - now())::int AS seconds FROM pgboss.job WHERE name = 'webhooks-ask-hubspot' AND state = 'created' AND data -> 'tenant' ->> 'name' = $1`, [tenant]);
      const putOff = (jobs: number) => eventually(async () => expect((await waiting()).filter(({ seconds }) => seconds > 3500 && seconds <= 3600)).toHaveLength(jobs));
      refusal = { status: 429, headers: { 'retry-after': '3600' }, body: { category: 'RATE_LIMITS' } };
      await post([event('contact.creation', contact({ email: 'patient@example.com' }))]);
      await putOff(1);
      refusal = null;
      await post([event('contact.creation', contact({ email: 'later@example.com' }))]);
      await putOff(2);
      expect([refused, calls]).toEqual([1, []]);
      app.clock.advance(3600_000);
      try {
        await app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'webhooks-ask-hubspot' AND data -> 'tenant' ->> 'name' = $1`, [tenant]);
        expect(await answered(events)).toEqual(['contact.creation processed', 'contact.creation processed']);
      } finally {
        app.clock.advance(-3600_000);
      }
    });

    test('are not asked for again under a token that HubSpot refuses, nor without one; a replay asks', async () => {
      const { tenant, post, events } = await connect({ api_token: 'a-token-that-is-revoked' });
      await post([event('contact.creation', contact({ email: 'ada@example.com' }))]);
      expect(await answered(events)).toEqual(['contact.creation failed hubspot_401']);
      await put(tenant, { scheme: 'hubspot', secret: SECRET });
      const replay = async () => app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/{event_id}/replay', { params: { path: { provider: 'hubspot', event_id: (await events.settled())[0]!.id } } });
      await replay();
      expect(await answered(events)).toEqual(['contact.creation unmatched api_token_missing']);
      await put(tenant, { scheme: 'hubspot', secret: SECRET, api_token: TOKEN });
      await replay();
      expect(await answered(events)).toEqual(['contact.creation processed']);
      expect(await events.customers()).toMatchObject([{ email: 'ada@example.com' }]);
    });
  });

  describe('events', () => {
    test('count once whatever attempt they come with; what is nothing to us is kept', async () => {
      const { post, events } = await connect();
      const one = event('contact.creation', contact({ email: 'ada@example.com' }));
      expect((await post([one, event('contact.deletion', 5), event('contact.privacyDeletion', 6), event('deal.creation', 7), event('contact.teleportation', 8), 'no object'])).body).toMatchObject({ received: 6, accepted: 5 });
      expect((await post([{ ...one, attemptNumber: 1 }, { ...one, eventId: 1 }])).body).toEqual({ received: 2, accepted: 1, duplicates: 1 });
      expect(await answered(events)).toEqual([
        'contact.creation duplicate', 'contact.creation processed', 'contact.creation processed', 'contact.deletion processed', 'contact.privacyDeletion processed', 'contact.teleportation failed unsupported_event_type', 'deal.creation processed', 'null failed not_an_object',
      ]);
      expect(await events.customers()).toHaveLength(1);
    });

    test('of a workflow make who sent a form a customer, without asking', async () => {
      const { tenant, post, events } = await connect({ api_token: undefined });
      await addCustomers(app, [{ id: 'ada', phone: '+14155552671' }], tenant);
      const form = (vid: number, email: string, over: object = {}) => ({
        vid, 'portal-id': 62515, properties: { email: { value: email }, firstname: { value: 'Ada' }, phone: { value: '' } }, 'form-submissions': [{ 'form-id': 'b', title: 'Book a table', timestamp: app.clock.now().getTime() }], ...over,
      });
      const body = form(1, 'ada@example.com');
      expect((await post(body)).body).toEqual({ received: 1, accepted: 1, duplicates: 0 });
      expect((await post(body)).body).toEqual({ received: 1, accepted: 0, duplicates: 1 });
      await post({ objectId: 2, properties: { email: null, phone: '+14155552671', firstname: 'A.' } });
      expect(await events.outcomes()).toEqual(['workflow.contact processed', 'workflow.form_submission duplicate', 'workflow.form_submission processed']);
      expect(await events.customers()).toMatchObject([{ customer_id: 'hubspot_1', email: 'ada@example.com', first_name: 'Ada' }, { customer_id: 'ada', first_name: 'A.', email: null }]);
      expect(calls).toEqual([]);
    });

    test('of anything at all never fail on our side, and nothing unsigned is kept', async () => {
      const { post, events } = await connect({ api_token: undefined });
      const names = [...Object.keys(event('', 1, { propertyName: '', objectTypeId: '' })), 'properties', 'email', 'vid', 'form-submissions'];
      const item = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.constantFrom('contact.creation', 'object.propertyChange', '0-1', 'email', 'a@example.com')));
      const body = fc.oneof(fc.string(), fc.json(), fc.array(item).map((list) => JSON.stringify(list)), item.map((one) => JSON.stringify(one)));
      await fc.assert(fc.asyncProperty(body, async (text) => {
        expect(await post(text, { secret: 'another' })).toMatchObject(INVALID);
      }), { numRuns: 50 });
      expect(await events.stored()).toBe(0);
      await fc.assert(fc.asyncProperty(body, async (text) => {
        expect([202, 400]).toContain((await post(text)).status);
      }), { numRuns: 150 });
      await events.settled();
    });
  });
});

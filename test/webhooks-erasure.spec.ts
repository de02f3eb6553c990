import { createHmac } from 'node:crypto';
import { encodeDeliveryId } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { InboundEvents } from './support/inbound-events.js';
import { startProvider, type TestProvider } from './support/provider.js';
import { newTenant } from './support/tokens.js';
import { type Form, TwilioHook } from './support/twilio-hook.js';
import { WebhookSender } from './support/webhook-sender.js';

const CUSTOMER = '/api/v1/marketing/customers/{customer_id}';
const PUBLIC_URL = 'https://crm.example.com';
const HUBSPOT = { scheme: 'hubspot', secret: 'yyyyyyyy-yyyy', api_token: 'pat-na1-11111111-2222' } as const;

describe('what providers tell of somebody who is erased', () => {
  /** HubSpot's own contacts, by id. */
  const contacts = new Map<string, object>();
  let hubspot: TestProvider;
  let env: Record<string, string>;
  /** Takes posts, and processes nothing. */
  let app: TestApp;
  beforeAll(async () => {
    hubspot = await startProvider((_, body) => ({ status: 200, body: { results: (JSON.parse(body) as { inputs: { id: string }[] }).inputs.map(({ id }) => ({ id, properties: contacts.get(id) })) } }));
    env = { PUBLIC_URL, HUBSPOT_API_URL: hubspot.url, ALLOW_PRIVATE_TARGETS: '1' };
    app = await startApp({ env });
  });
  afterAll(async () => {
    await app.close();
    await hubspot.close();
  });

  /** Has everything that waits processed, by a worker that is there for as long. */
  const withWorker = async (work: () => Promise<unknown>): Promise<void> => {
    const worker = await startApp({ worker: true, env });
    try {
      await work();
    } finally {
      await worker.close();
    }
  };
  const at = (customer_id: string) => ({ params: { path: { customer_id } } });
  const erase = async (tenant: string, id: string) => expect((await app.api(['tenant_admin'], tenant).DELETE(CUSTOMER, at(id))).response.status).toBe(204);
  const customer = async (tenant: string, id: string) => (await app.api(['marketing'], tenant).GET(CUSTOMER, at(id))).data;
  let serial = 0;
  const inbound = (From: string, Body: string, over: Form = {}): Form => {
    const sid = `SM${++serial}`;
    return { MessageSid: sid, SmsSid: sid, SmsStatus: 'received', From, To: '+16232320112', Body, AccountSid: `AC${'a'.repeat(32)}`, ...over };
  };
  const states = (tenant: string) =>
    app.sql<{ status: string; reason: string | null }>(`SELECT status, reason FROM webhook_events e JOIN tenants t ON t.id = e.tenant_id WHERE t.name = $1 ORDER BY e.id`, [tenant]);

  const connectHubSpot = async (tenant: string) => {
    const { url } = (await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider: 'hubspot' } }, body: HUBSPOT })).data!;
    const { pathname, search } = new URL(url);
    const sender = new WebhookSender(app, pathname + search, '');
    return async (subscriptionType: string, objectId: number, over: object = {}) => {
      const body = JSON.stringify([{ subscriptionType, objectId, eventId: ++serial, occurredAt: app.clock.now().getTime(), portalId: 1, subscriptionId: 2, ...over }]);
      const timestamp = String(app.clock.now().getTime());
      const signature = createHmac('sha256', HUBSPOT.secret).update(`POST${url}${body}${timestamp}`).digest('base64');
      return sender.send(body, { 'content-type': 'application/json', 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp });
    };
  };

  test('takes its effect on their addresses first, if it was still waiting', async () => {
    const tenant = newTenant();
    const phone = '+41791000000';
    await addCustomers(app, [{ id: 'ada', phone, consents: { sms: { status: 'subscribed' } } }, { id: 'sharer', phone, consents: { sms: { status: 'subscribed' } } }], tenant);
    const hook = await TwilioHook.connect(app, tenant);
    await hook.post(inbound(phone, 'STOP'));
    await erase(tenant, 'ada');
    expect(await states(tenant)).toEqual([{ status: 'processed', reason: 'erased' }]);
    expect((await customer(tenant, 'sharer'))!.consents.sms).toMatchObject({ status: 'unsubscribed', source: 'webhook:twilio' });
    await addCustomers(app, [{ id: 'again', phone, consents: { sms: { status: 'subscribed' } } }], tenant);
    expect((await customer(tenant, 'again'))!.consents.sms).toMatchObject({ status: 'unsubscribed' });
    expect(await app.sql(`SELECT count(*)::int AS n FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant])).toEqual([{ n: 0 }]);
  });

  test('of a HubSpot contact that is them, too, whom HubSpot has not been asked for yet', async () => {
    const tenant = newTenant();
    const post = await connectHubSpot(tenant);
    const events = new InboundEvents(app, 'hubspot', tenant);
    await addCustomers(app, [{ id: 'pe', email: 'pe@example.com' }], tenant);
    contacts.set('54', { email: 'pe@example.com' });
    await post('contact.creation', 54);
    await withWorker(() => eventually(async () => expect(await events.outcomes()).toEqual(['contact.creation processed'])));
    await post('contact.propertyChange', 54, { propertyName: 'hs_email_optout', propertyValue: 'true' });
    await erase(tenant, 'pe');
    expect(await events.suppressions()).toEqual(['unsubscribed']);
    expect(await states(tenant)).toEqual([{ status: 'processed', reason: 'erased' }, { status: 'processed', reason: 'erased' }]);
  });

  test('is not taken from others, whose events only name them besides', async () => {
    const tenant = newTenant();
    const shop = '+14155559999';
    await addCustomers(app, [{ id: 'test-shop', phone: shop, email: 'shop@example.com' }], tenant);
    const hook = await TwilioHook.connect(app, tenant);
    for (const guest of ['+41791000001', '+41791000002']) await hook.post(inbound(guest, 'STOP', { To: shop }));
    const sendgrid = await WebhookSender.connect(app, 'sendgrid', tenant);
    await sendgrid.post({ event_type: 'unsubscribed', email: 'guest@example.com', sender: 'shop@example.com', reason: 'Shop <shop@example.com>' });
    await erase(tenant, 'test-shop');
    expect(await states(tenant)).toEqual(Array(3).fill({ status: 'pending', reason: null }));
    await withWorker(() => eventually(async () => expect(await new InboundEvents(app, 'twilio', tenant).suppressions()).toHaveLength(3)));
  });

  test('goes with them where it named them by an earlier address, by an id merged into theirs, or by the message that it is of', async () => {
    const tenant = newTenant();
    await addCustomers(app, [{ id: 'ada', email: 'old@example.com' }, { id: 'twin', email: 'twin@example.com' }, { id: 'elder', email: 'elder@example.com' }, { id: 'other', email: 'other@example.com' }], tenant);
    const rows = await app.sql<{ tenant_id: number; customer_no: number; customer_id: string }>('SELECT tenant_id, customer_no, customer_id FROM customers c JOIN tenants t ON t.id = tenant_id WHERE name = $1', [tenant]);
    const message = (id: string) => {
      const { tenant_id: tenantId, customer_no: customerNo } = rows.find((row) => row.customer_id === id)!;
      return encodeDeliveryId({ tenantId, campaignNo: 1, customerNo, channel: 'email' });
    };
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    await sender.post([{ email: 'Old@example.com' }, { email: 'twin@example.com' }, { email: 'elder@example.com' }, { delivery_id: message('ada') }, { delivery_id: message('twin') }, { customer_id: 'twin' }, { delivery_id: message('other') }].map((who) => ({ event_type: 'delivered', ...who })));
    const stored = await app.sql<{ persons: string[] }>('SELECT persons FROM webhook_events e JOIN tenants t ON t.id = tenant_id WHERE name = $1', [tenant]);
    expect(stored.flatMap(({ persons }) => persons)).toEqual(Array(7).fill(expect.stringMatching(/^[\w-]{43}$/))); // nobody's name
    const admin = app.api(['tenant_admin'], tenant);
    await admin.PUT(CUSTOMER, { ...at('twin'), body: { email: 'twin-now@example.com' } });
    await admin.POST('/api/v1/marketing/customers/{customer_id}/merge', { ...at('twin'), body: { from: 'elder' } });
    await admin.POST('/api/v1/marketing/customers/{customer_id}/merge', { ...at('ada'), body: { from: 'twin' } });
    await admin.PUT(CUSTOMER, { ...at('ada'), body: { email: 'new@example.com' } });
    const { data } = await admin.GET('/api/v1/marketing/customers/{customer_id}/export', at('ada'));
    expect(data!.data.webhook_events).toHaveLength(6);
    await erase(tenant, 'ada');
    expect((await states(tenant)).filter(({ reason }) => reason !== 'erased')).toHaveLength(1);
    expect(await app.sql(`SELECT jsonb_path_query_array(convert_from(body, 'UTF8')::jsonb, '$[*] ? (@ != null)') AS left FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant])).toEqual([{ left: [{ event_type: 'delivered', delivery_id: message('other') }] }]);

    const hubspot = await WebhookSender.connect(app, 'hubspot', tenant);
    await hubspot.post({ event_type: 'contact_created', email: 'twin@example.com', timestamp: new Date(app.clock.now().getTime() - 60_000).toISOString() });
    await withWorker(() => eventually(async () => expect(await new InboundEvents(app, 'hubspot', tenant).outcomes()).toEqual(['contact_created failed customer_erased'])));
  });

  test('goes with them where it came over WhatsApp', async () => {
    const tenant = newTenant();
    await addCustomers(app, [{ id: 'ada', phone: '+41791000003' }], tenant);
    const hook = await TwilioHook.connect(app, tenant);
    await hook.post(inbound('whatsapp:+41791000003', 'I am Ada', { To: 'whatsapp:+16232320112' }));
    await hook.post(inbound('whatsapp:+16232320112', '', { SmsStatus: 'failed', MessageStatus: 'failed', ErrorCode: '30005', To: 'whatsapp:+41791000003' }));
    await erase(tenant, 'ada');
    expect(await new InboundEvents(app, 'twilio', tenant).suppressions()).toEqual([]);
    expect(await app.sql(`SELECT count(*)::int AS n FROM webhook_bodies b JOIN tenants t ON t.id = b.tenant_id WHERE t.name = $1`, [tenant])).toEqual([{ n: 0 }]);
  });

  test('makes nobody of them again: neither by a replay, nor of what HubSpot says later, unless of what happened since', async () => {
    const tenant = newTenant();
    const post = await connectHubSpot(tenant);
    const events = new InboundEvents(app, 'hubspot', tenant);
    const since = new Date(app.clock.now().getTime() - 60_000).toISOString();
    contacts.set('777', { email: 'seven@example.com', firstname: 'Seven' });
    contacts.set('55', { email: 'pe@example.com', firstname: 'Pe', hs_email_optout: 'true' });
    contacts.set('56', { email: 'other@example.com', phone: '+41791000009' });
    await post('contact.creation', 777);
    await withWorker(() => eventually(async () => expect(await events.customers()).toMatchObject([{ customer_id: 'hubspot_777', first_name: 'Seven' }])));
    await addCustomers(app, [{ id: 'pe', email: 'pe@example.com', phone: '+41791000009' }], tenant);
    const before = app.clock.now().getTime();
    await post('contact.propertyChange', 55, { propertyName: 'email' });
    await post('contact.propertyChange', 55, { propertyName: 'hs_email_optout', propertyValue: 'true' });
    await post('contact.creation', 56);
    for (const id of ['hubspot_777', 'pe']) await erase(tenant, id);
    await post('contact.creation', 777, { occurredAt: before, eventId: 'late' });

    const { data } = await app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/replay', { params: { path: { provider: 'hubspot' } }, body: { from: since, to: new Date(app.clock.now().getTime() + 1000).toISOString() } });
    expect(data).toEqual({ events: 0 }); // the one of before is erased, the others wait
    await withWorker(async () => {
      await eventually(async () => expect((await events.outcomes()).join()).not.toContain('not_asked'));
      expect(await events.outcomes()).toEqual(['contact.creation failed customer_erased', 'contact.creation processed', 'contact.creation processed erased', 'contact.propertyChange failed customer_erased', 'contact.propertyChange processed']);
      expect(await events.customers()).toMatchObject([{ customer_id: 'hubspot_56', email: 'other@example.com' }]); // who only shares a phone with somebody erased
      expect(await events.suppressions()).toEqual(['unsubscribed']);
      await post('contact.propertyChange', 777, { propertyName: 'email' });
      await eventually(async () => expect((await events.customers()).map((one) => one.customer_id)).toContain('hubspot_777'));
    });
  });
});

import { decodeDeliveryId } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { Mailings, textAtAnyHour } from './support/mailings.js';
import { newTenant } from './support/tokens.js';
import { startTwilio, type TestTwilio } from './support/twilio.js';

const CHANNELS = '/api/v1/marketing/channels';
const ACCOUNT = `AC${'0'.repeat(31)}1`;
const OWN = { account_sid: `AC${'a'.repeat(32)}`, auth_token: 'the-tenants-own-token' };
const CONTENT = { subject: 'Only an email has one', body: 'Hello {{ customer.first_name | default: "you" }}: https://order.example.com/menu', cta_text: 'Order', cta_url: 'https://order.example.com/' };

describe('sending over Twilio', () => {
  let twilio: TestTwilio;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    twilio = await startTwilio();
    app = await startApp({ worker: true, env: { TWILIO_ACCOUNT_SID: ACCOUNT, TWILIO_AUTH_TOKEN: 'the-deployments-token', TWILIO_API_URL: twilio.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` } });
  });
  afterAll(async () => {
    await app.close();
    await twilio.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    await textAtAnyHour(app, mailings.tenant.name);
    twilio.messages.length = 0;
    twilio.react = () => 'take';
  });

  /** Guests who opted in, with the numbers +4179100… */
  const guests = async (count: number, more: object = {}): Promise<number[]> => {
    const ids = Array.from({ length: count }, (_, n) => `g${n}`);
    await addCustomers(app, ids.map((id, n) => ({ id, phone: `+4179100${String(n).padStart(4, '0')}`, first_name: 'Ada', consents: { sms: { status: 'subscribed' } }, ...more })), mailings.tenant.name);
    const rows = await app.sql<{ customer_no: number }>('SELECT customer_no FROM customers WHERE tenant_id = $1 AND customer_id = ANY ($2) ORDER BY customer_no', [mailings.tenant.id, ids]);
    return rows.map((row) => row.customer_no);
  };
  const send = async (customers: number[], content: object = CONTENT, overrides: object = {}) => mailings.send(content, customers, { channels: ['sms'], ...overrides });

  test('everybody who opted in gets one message, with a link that counts and a way out', async () => {
    const mailing = await send(await guests(50));
    expect(new Set(twilio.messages.map(({ form }) => form.To)).size).toBe(50);
    expect(twilio.messages).toHaveLength(50);
    const [{ account, form }] = twilio.messages as [TestTwilio['messages'][number]];
    expect([account, form.MessagingServiceSid]).toEqual([ACCOUNT, `MG${'0'.repeat(32)}`]);
    expect(form.Body).toMatch(/^Hello Ada: http:\/\/127\.0\.0\.1:3000\/t\/c\/[\w-]+\nOrder: http:\/\/127\.0\.0\.1:3000\/t\/c\/[\w-]+\nReply STOP to opt out\.$/);
    const rows = await mailings.ledger(mailing);
    const callback = new URL(form.StatusCallback!);
    expect(callback.pathname).toBe('/api/v1/marketing/webhooks/twilio');
    expect(rows.map((row) => row.customer_no)).toContain(decodeDeliveryId(callback.searchParams.get('delivery_id')!)!.customerNo);
    expect(rows[0]).toMatchObject({ status: 'accepted', provider: 'twilio', provider_message_id: expect.stringMatching(/^SM/) as string, delivered_at: null });
    const links = form.Body!.match(/\/t\/c\/[\w-]+/g)!;
    expect(await Promise.all(links.map(async (path) => (await fetch(app.url + path, { redirect: 'manual' })).headers.get('location')))).toEqual(['https://order.example.com/menu', 'https://order.example.com/']);
  });

  test('who did not opt in gets none, and a transactional one says nothing of opting out', async () => {
    await addCustomers(app, [{ id: 'eve', phone: '+41791119999' }], mailings.tenant.name);
    const [eve] = await app.sql<{ customer_no: number }>(`SELECT customer_no FROM customers WHERE tenant_id = $1 AND customer_id = 'eve'`, [mailings.tenant.id]);
    expect((await mailings.ledger(await send([eve!.customer_no]))).map(({ reason }) => reason)).toEqual(['no_consent']);
    await send([eve!.customer_no], CONTENT, { type: 'transactional' });
    expect(twilio.messages.map(({ form }) => form.Body)).toEqual([expect.stringMatching(/^Hello you: (?!.*STOP)/s)]);
  });

  test('a number that Twilio refuses is rejected with Twilio’s own reason', async () => {
    twilio.react = ({ To }) => (To === '+41791000001' ? { status: 400, body: { code: 21610, message: 'unsubscribed' } } : 'take');
    const rows = await mailings.ledger(await send(await guests(3)));
    expect(rows.map(({ status, reason }) => [status, reason])).toEqual([['accepted', null], ['rejected', 'twilio_21610'], ['accepted', null]]);
    twilio.react = () => 'take';
    const [, opted] = rows; // Twilio was told STOP where we were not
    expect((await mailings.ledger(await send([opted!.customer_no], CONTENT, { type: 'newsletter' }))).map(({ reason }) => reason)).toEqual(['no_consent']);
    expect(await app.sql(`SELECT source FROM consent_log WHERE tenant_id = $1 AND customer_no = $2 AND status = 'unsubscribed'`, [mailings.tenant.id, opted!.customer_no])).toEqual([{ source: 'provider:twilio_21610' }]);
  });

  test('what it may have taken is unknown; what it puts off comes later', async () => {
    twilio.react = ({ To }) => (To === '+41791000000' ? 'take and hang up' : { status: 429, headers: { 'retry-after': '60' } });
    const mailing = await mailings.start(CONTENT, await guests(2), { channels: ['sms'] });
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ status }) => status)).toEqual(['unknown', 'pending']));
    twilio.react = () => 'take';
    app.clock.advance(5 * 60_000);
    await mailings.finished(mailing);
    expect(twilio.messages.map(({ form }) => form.To)).toEqual(['+41791000000', '+41791000001']);
  });

  test('a text too long for one message is told, not cut', async () => {
    const mailing = await send(await guests(1), { body: 'x'.repeat(1700) });
    expect((await mailings.ledger(mailing)).map(({ reason }) => reason)).toEqual(['message_too_long']);
    expect(twilio.messages).toEqual([]);
  });

  test('goes over the tenant’s own account, from its own number', async () => {
    const admin = app.api(['tenant_admin'], mailings.tenant.name);
    expect((await admin.PUT(`${CHANNELS}/twilio`, { body: OWN })).data).toMatchObject({ provider: 'twilio', channel: 'sms', status: 'connected', in_use: true });
    await admin.PATCH('/api/v1/marketing/settings', { body: { sender: { sms_from: '+14155550100' } as never } });
    await send(await guests(1));
    expect(twilio.messages).toMatchObject([{ account: OWN.account_sid, token: OWN.auth_token, form: { From: '+14155550100' } }]);
    expect((await admin.PUT(`${CHANNELS}/twilio`, { body: { ...OWN, account_sid: '../Accounts' } })).error).toMatchObject({ status: 400, errors: [{ pointer: '/account_sid' }] });
  });
});

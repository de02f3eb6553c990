import { createECDH } from 'node:crypto';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { Mailings } from './support/mailings.js';
import { startPushService, type TestPushService } from './support/push-service.js';
import { newTenant } from './support/tokens.js';

const CHANNELS = '/api/v1/marketing/channels';
const CONTENT = { subject: 'Hi {{ customer.first_name }}', body: 'Only today: Ｓｕｓｈｉ 🍣', cta_text: 'Order', cta_url: 'https://order.example.com/' };

function newKeys(): { public_key: string; private_key: string } {
  const pair = createECDH('prime256v1');
  return { public_key: pair.generateKeys('base64url'), private_key: Buffer.from(pair.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url') };
}

describe('push messages to browsers', () => {
  const ours = newKeys();
  let service: TestPushService;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    service = await startPushService();
    app = await startApp({ worker: true, env: { ALLOW_PRIVATE_TARGETS: '1', VAPID_PUBLIC_KEY: ours.public_key, VAPID_PRIVATE_KEY: ours.private_key, VAPID_SUBJECT: 'mailto:push@trattoria.example' } });
  });
  afterAll(async () => {
    await app.close();
    await service.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    service.shown.length = 0;
    service.senders.clear();
    service.react = () => 'take';
  });
  const subscribers = async (...names: string[]): Promise<number[]> => {
    await addCustomers(app, names.map((id) => ({ id, first_name: id, push_subscription: service.subscribe(id), consents: { push: { status: 'subscribed' as const } } })), mailings.tenant.name);
    return (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 AND customer_id = ANY ($2) ORDER BY 1', [mailings.tenant.id, names])).map(({ no }) => no);
  };
  const send = async (customers: number[], content: object = CONTENT) => mailings.ledger(await mailings.send(content, customers, { channels: ['push'] }));

  test('each browser reads its own, and its service knows who sent it', async () => {
    const rows = await send(await subscribers('ada', 'bob'));
    expect(service.shown.map(({ browser, message }) => [browser, message]).sort()).toMatchObject([
      ['ada', { title: 'Hi ada', body: CONTENT.body, url: expect.stringMatching(/\/t\/c\//) as string }],
      ['bob', { title: 'Hi bob' }],
    ]);
    expect(service.shown.every(({ topic, message }) => topic === message.delivery_id)).toBe(true);
    expect([...service.senders]).toEqual([`mailto:push@trattoria.example ${ours.public_key}`]);
    expect(rows).toMatchObject(Array(2).fill({ status: 'accepted', provider: 'webpush', provider_message_id: expect.stringMatching(/\/message\/\d$/) as string }));
  });

  test('a subscription that is gone is not sent to again; another’s service that refuses us pauses nobody', async () => {
    const customers = await subscribers('gone', 'odd', 'eve');
    service.react = (browser) => ({ gone: { status: 410 }, odd: { status: 403 } })[browser] ?? 'take';
    expect((await send(customers)).map(({ status, reason }) => [status, reason])).toEqual([['rejected', 'webpush_410'], ['rejected', 'webpush_403'], ['accepted', null]]);
    service.react = () => 'take';
    expect((await send(customers)).map(({ status, reason }) => reason ?? status)).toEqual(['suppressed', 'accepted', 'accepted']);
  });

  test('a service that puts us off for a day keeps nobody else waiting', async () => {
    const [evil, good] = await subscribers('evil', 'good');
    service.react = (browser) => (browser === 'evil' ? { status: 429, headers: { 'retry-after': '86400' } } : 'take');
    const waiting = await mailings.start(CONTENT, [evil!], { channels: ['push'] });
    await eventually(async () => expect(await mailings.ledger(waiting)).toMatchObject([{ status: 'pending', reason: 'webpush_429' }]));
    expect(await send([good!])).toMatchObject([{ status: 'accepted' }]);
    await mailings.inTenant((tx) => mailings.delivery.cancel(tx, mailings.tenant, waiting.campaignNo)); // it would be tried again in another test's time
  });

  test('keys that are none, and messages too long for a push service, are told', async () => {
    const [customer] = await subscribers('zoe');
    expect((await send([customer!], { ...CONTENT, body: 'x'.repeat(4_000) })).map(({ reason }) => reason)).toEqual(['message_too_long']);
    await addCustomers(app, [{ id: 'zoe', push_subscription: { ...service.subscribe('zoe'), keys: { p256dh: 'AAAA', auth: 'AAAA' } } }], mailings.tenant.name);
    expect((await send([customer!])).map(({ reason }) => reason)).toEqual(['subscription_invalid']);
  });

  test('a tenant’s own keys are used for its own browsers, and are a pair', async () => {
    const admin = app.api(['tenant_admin'], mailings.tenant.name);
    const [own, other] = [newKeys(), newKeys()];
    expect((await admin.PUT(`${CHANNELS}/webpush`, { body: { ...own, private_key: other.private_key, subject: 'mailto:a@b.example' } })).error).toMatchObject({ status: 400, errors: [{ pointer: '/private_key', code: 'key_pair' }] });
    expect((await admin.PUT(`${CHANNELS}/webpush`, { body: { ...own, subject: 'mailto:own@trattoria.example' } })).data).toMatchObject({ provider: 'webpush', channel: 'push', status: 'connected', in_use: true });
    await send(await subscribers('kim'));
    expect([...service.senders]).toEqual([`mailto:own@trattoria.example ${own.public_key}`]);
  });
});

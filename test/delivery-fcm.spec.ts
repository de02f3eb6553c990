import { createECDH } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { fcmError, serviceAccount, startFcm, type TestFcm } from './support/fcm.js';
import { Mailings } from './support/mailings.js';
import { startPushService, type TestPushService } from './support/push-service.js';
import { newTenant } from './support/tokens.js';

const CHANNELS = '/api/v1/marketing/channels';
const CONTENT = { subject: 'Hi {{ customer.first_name }}', body: 'Only today: Ｓｕｓｈｉ 🍣', cta_text: 'Order', cta_url: 'https://order.example.com/' };

describe('push messages to apps over FCM', () => {
  let fcm: TestFcm;
  let service: TestPushService;
  let app: TestApp;
  let mailings: Mailings;
  const pair = createECDH('prime256v1');
  const VAPID = { VAPID_PUBLIC_KEY: pair.generateKeys('base64url'), VAPID_PRIVATE_KEY: Buffer.from(pair.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url'), VAPID_SUBJECT: 'mailto:push@trattoria.example' };
  beforeAll(async () => {
    [fcm, service] = [await startFcm(), await startPushService()];
    app = await startApp({ worker: true, env: { ALLOW_PRIVATE_TARGETS: '1', PUBLIC_URL: 'https://api.trattoria.example', ...VAPID, ...fcm.env, FCM_SERVICE_ACCOUNT: JSON.stringify(fcm.account.file) } });
  });
  afterAll(async () => {
    await app.close();
    await fcm.close();
    await service.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    fcm.messages.length = service.shown.length = 0;
    Object.assign(fcm, { expiresIn: 3_599, grant: () => 'grant', react: () => 'take' } satisfies Partial<TestFcm>);
  });
  const admin = () => app.api(['tenant_admin'], mailings.tenant.name);
  const tokenOf = (id: string) => `${id}-of-${mailings.tenant.name}:APA91b`;
  const guests = async (...ids: string[]): Promise<number[]> => {
    for (const id of ids) {
      const push_subscription = id.startsWith('browser') ? service.subscribe(`${id}-${mailings.tenant.name}`) : { fcm_token: tokenOf(id) };
      const { error } = await admin().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: id } }, body: { first_name: id, push_subscription, consents: { push: { status: 'subscribed' } } } });
      expect(error).toBeUndefined();
    }
    return (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 AND customer_id = ANY ($2) ORDER BY 1', [mailings.tenant.id, ids])).map(({ no }) => no);
  };
  const send = async (customers: number[], content: object = CONTENT): Promise<Mailing> => mailings.send(content, customers, { channels: ['push'] });
  const sent = async (customers: number[], content?: object) => (await mailings.ledger(await send(customers, content))).map(({ status, reason }) => reason ?? status);

  test('each app is told, with nothing of the person but the text, under one access token', async () => {
    const before = fcm.granted;
    const ids = Array.from({ length: 60 }, (_, n) => `app${n}`);
    await addCustomers(app, ids.map((id) => ({ id, first_name: id, push_subscription: { fcm_token: tokenOf(id) }, consents: { push: { status: 'subscribed' as const } } })), mailings.tenant.name);
    const rows = await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1', [mailings.tenant.id]);
    const mailing = await send(rows.map(({ no }) => no));
    expect([new Set(fcm.messages.map(({ message }) => message.token)).size, fcm.messages.length, fcm.granted - before]).toEqual([60, 60, 1]);
    const { project, message } = fcm.messages.find((one) => one.message.token === tokenOf('app7'))!;
    const url = expect.stringMatching(/^https:\/\/api\.trattoria\.example\/t\/c\//) as string;
    expect([project, message]).toMatchObject(['trattoria-app', { notification: { title: 'Hi app7', body: CONTENT.body }, webpush: { fcm_options: { link: url } } }]);
    expect(message.data).toEqual({ delivery_id: expect.stringMatching(/^dlv_/) as string, url });
    expect((await mailings.ledger(mailing))[0]).toMatchObject({ status: 'accepted', provider: 'fcm', provider_message_id: expect.stringMatching(/^projects\/trattoria-app\/messages\/\d+$/) as string });
  });

  test('browsers are reached over their own service in the same campaign, each under its provider', async () => {
    const rows = await mailings.ledger(await send(await guests('app', 'browser')));
    expect(rows.map(({ status, provider }) => [status, provider])).toEqual([['accepted', 'fcm'], ['accepted', 'webpush']]);
    expect([fcm.messages.length, service.shown.length]).toEqual([1, 1]);
    const { data } = await admin().GET(CHANNELS);
    expect(data!.channels.filter(({ in_use }) => in_use).map(({ provider, status }) => [provider, status])).toEqual([['webpush', 'deployment'], ['fcm', 'deployment']]);
  });

  test('an FCM that puts us off for an hour keeps no browser waiting, and its apps come when it is over', async () => {
    fcm.react = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    const first = await mailings.start(CONTENT, await guests('app'), { channels: ['push'] });
    await eventually(async () => expect(await mailings.ledger(first)).toMatchObject([{ status: 'pending', reason: 'fcm_503' }]));
    const tried = fcm.messages.length;
    const second = await mailings.start(CONTENT, await guests('other', 'browser', 'browser2'), { channels: ['push'] });
    await eventually(async () => expect((await mailings.ledger(second)).map(({ status, reason }) => reason ?? status).sort()).toEqual(['accepted', 'accepted', 'provider_busy']));
    expect(fcm.messages).toHaveLength(tried);
    fcm.react = () => 'take';
    app.clock.advance(3_700_000);
    await mailings.finished(first);
    await mailings.finished(second);
    expect([await mailings.counters(second), service.shown.length]).toEqual([{ sent: 3 }, 2]);
  });

  test('each of the two goes at its own pace', async () => {
    expect((await admin().PUT(`${CHANNELS}/fcm`, { body: { ...fcm.account.file, max_per_second: 1 } })).error).toBeUndefined();
    const ids = ['app0', 'browser0', 'app1', 'browser1', 'app2', 'browser2'];
    const rows = (await mailings.ledger(await send(await guests(...ids)))) as unknown as { provider: string; called_at: Date }[];
    const calls = (provider: string) => rows.filter((row) => row.provider === provider).map(({ called_at }) => called_at.getTime()).sort((a, b) => a - b);
    const [one, two, three] = calls('fcm') as [number, number, number];
    expect(Math.min(two - one, three - two)).toBeGreaterThanOrEqual(1_000);
    expect(new Set(calls('webpush')).size).toBe(1);
  });

  test('a token that is gone or none is not sent to again; what is wrong with a message or a sender closes nothing', async () => {
    const customers = await guests('gone', 'none', 'text', 'stranger', 'fine');
    const answers: Record<string, ReturnType<typeof fcmError>> = {
      gone: fcmError(404, 'UNREGISTERED'),
      none: fcmError(400, 'INVALID_ARGUMENT', { field: 'message.token', message: 'The registration token is not a valid FCM registration token' }),
      text: fcmError(400, 'INVALID_ARGUMENT', { field: 'message.notification' }),
      stranger: fcmError(403, 'SENDER_ID_MISMATCH'),
    };
    fcm.react = (token) => answers[token.split('-')[0]!] ?? 'take';
    expect(await sent(customers)).toEqual(['fcm_unregistered', 'fcm_invalid_token', 'fcm_invalid_argument', 'fcm_sender_id_mismatch', 'accepted']);
    fcm.react = () => 'take';
    expect(await sent(customers)).toEqual(['suppressed', 'suppressed', 'accepted', 'accepted', 'accepted']);
    expect(await sent(await guests('fine'), { ...CONTENT, body: 'x'.repeat(4_100) })).toEqual(['message_too_long']);
  });

  test('"later" is kept to; what fails without a word, or after it was taken, is unknown; what is slow comes', async () => {
    const customers = await guests('busy', 'lost', 'broken', 'slow');
    let asked = 0;
    fcm.react = async (token) => {
      if (token.startsWith('busy')) return ++asked === 1 ? fcmError(429, 'QUOTA_EXCEEDED', { headers: { 'retry-after': '3600' } }) : ('take' as never);
      if (token.startsWith('lost')) return 'take and hang up' as never;
      if (token.startsWith('broken')) return fcmError(500, 'INTERNAL');
      await sleep(400);
      return 'take' as never;
    };
    const mailing = await mailings.start(CONTENT, customers, { channels: ['push'] });
    const states = () => mailings.ledger(mailing).then((rows) => rows.map(({ status, reason }) => `${status} ${reason ?? ''}`.trim()));
    await eventually(async () => expect(await states()).toEqual(['pending fcm_429', expect.stringMatching(/^unknown fcm_/), 'unknown fcm_500', 'accepted']));
    const [{ next_attempt_at }] = (await mailings.ledger(mailing)) as unknown as [{ next_attempt_at: Date }];
    expect(next_attempt_at.getTime() - app.clock.now().getTime()).toBeGreaterThan(3_500_000);
    app.clock.advance(3_700_000);
    await mailings.finished(mailing);
    expect((await states())[0]).toBe('accepted');
    expect(fcm.messages.filter(({ message }) => message.token === tokenOf('lost'))).toHaveLength(1); // never blindly again
  });

  test('a token that ends, or holds no longer, is renewed, and nobody is sent to twice', async () => {
    const before = fcm.granted;
    fcm.expiresIn = 200; // ends sooner than a call may last: none of it is kept
    fcm.revoke();
    expect(await sent(await guests('ada'))).toEqual(['accepted']);
    expect(await sent(await guests('ada'))).toEqual(['accepted']);
    expect(fcm.granted - before).toBe(2);
    fcm.expiresIn = 3_599;
    expect(await sent(await guests('ada'))).toEqual(['accepted']);
    fcm.revoke();
    expect(await sent(await guests('ada'))).toEqual(['accepted']);
    expect([fcm.granted - before, fcm.messages.length]).toEqual([4, 4]);
  });

  test('while Google gives no token nothing is lost; where it refuses the account, the campaign is paused and says so', async () => {
    const customers = await guests('ada');
    fcm.revoke();
    fcm.grant = () => ({ status: 500 });
    const mailing = await mailings.start(CONTENT, customers, { channels: ['push'] });
    await eventually(async () => expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'pending', reason: 'fcm_token_500', attempts: 0 }]));
    fcm.grant = () => 'grant';
    app.clock.advance(120_000);
    await mailings.finished(mailing);
    expect(fcm.messages).toHaveLength(1);

    const refused = serviceAccount('other-app').file; // whose key Google does not know
    expect((await admin().PUT(`${CHANNELS}/fcm`, { body: refused })).error).toBeUndefined();
    const held = await mailings.start(CONTENT, customers, { channels: ['push'] });
    await eventually(async () => expect(await mailings.state(held)).toBe('paused'));
    expect(await mailings.ledger(held)).toMatchObject([{ status: 'pending', reason: 'fcm_token_400', attempts: 0 }]);
  });

  test('a tenant’s own project is used for its own apps; its key file is taken as it is, and its key must be one', async () => {
    const { private_key, ...file } = fcm.account.file;
    expect((await admin().PUT(`${CHANNELS}/fcm`, { body: { ...file, private_key: 'none' } })).error).toMatchObject({ status: 400, errors: [{ pointer: '/private_key', code: 'private_key' }] });
    const { data } = await admin().PUT(`${CHANNELS}/fcm`, { body: { ...file, project_id: 'own-project', private_key, max_per_second: 30 } });
    expect(data).toMatchObject({ provider: 'fcm', channel: 'push', status: 'connected', in_use: true, max_per_second: 30 });
    expect(await sent(await guests('ada', 'browser'))).toEqual(['accepted', 'accepted']); // the operator's keys still reach browsers
    expect(fcm.messages.map(({ project }) => project)).toEqual(['own-project']);
    const [stored] = await app.sql<{ sealed: Buffer }>(`SELECT sealed FROM channel_credentials WHERE tenant_id = $1`, [mailings.tenant.id]);
    expect(stored!.sealed.toString('latin1')).not.toContain('PRIVATE KEY');
  });

  test('a subscription is a browser’s or an app’s, not both', async () => {
    const put = (push_subscription: object) => admin().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'ada' } }, body: { push_subscription } as never });
    const endpoint = 'https://push.example.com/1';
    expect((await put({ endpoint, keys: { p256dh: 'x', auth: 'y' }, fcm_token: tokenOf('ada') })).error).toMatchObject({ status: 400, errors: [{ pointer: '/push_subscription/fcm_token' }] });
    expect((await put({ fcm_token: 'not a token' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/push_subscription/fcm_token' }] });
    expect((await put({ endpoint })).error).toMatchObject({ status: 400, errors: [{ pointer: '/push_subscription/keys' }] });
    expect((await put({})).error).toMatchObject({ status: 400 });
    expect((await put({ fcm_token: tokenOf('ada') })).data).toMatchObject({ push_subscription: { fcm_token: tokenOf('ada') } });
  });
});

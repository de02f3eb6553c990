import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { type ProviderAnswer, startProvider } from './support/provider.js';
import { startReceiver } from './support/receiver.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';

const [MINUTE, HOUR] = [60_000, 3_600_000];
const DAY = 24 * HOUR;

describe('attempts', () => {
  let app: TestApp;
  let subscriber: Subscriber;
  beforeAll(async () => void (app = await startApp({ worker: true, env: OPEN_ENV })));
  beforeEach(async () => {
    subscriber = await Subscriber.of(app, ['promo.redeemed']);
  });
  afterEach(() => subscriber.receiver.close());
  afterAll(() => app.close());

  const answer = (status: number, headers: Record<string, string> = {}) => void (subscriber.receiver.react = () => ({ status, headers, body: { what: status } }));

  test('that fail come again by the schedule, under the same id, until one succeeds', async () => {
    answer(500);
    await subscriber.redeem('ann');
    const [first] = await subscriber.logged(1);
    expect(first).toMatchObject({ type: 'promo.redeemed', status: 'failed', status_code: 500, error: null, response: '{"what":500}', message_status: 'pending' });
    expect(Date.parse(first!.next_attempt_at!) - Date.parse(first!.attempted_at)).toBeGreaterThan(4_400);
    expect(await subscriber.show()).toMatchObject({ active: true, failing_since: expect.any(String) });
    answer(503);
    app.clock.advance(6_000);
    const [second] = await subscriber.logged(2);
    expect(Date.parse(second!.next_attempt_at!) - Date.parse(second!.attempted_at)).toBeGreaterThan(4.4 * MINUTE);
    subscriber.receiver.react = () => 'take';
    app.clock.advance(6 * MINUTE);
    const attempts = await subscriber.logged(3);
    expect(attempts.map(({ status, message_status, next_attempt_at }) => [status, message_status, next_attempt_at])).toEqual([['succeeded', 'succeeded', null], ['failed', 'succeeded', null], ['failed', 'succeeded', null]]);
    expect(new Set(attempts.map(({ message_id }) => message_id))).toEqual(new Set([subscriber.receiver.posts[0]]));
    expect(new Set(subscriber.receiver.posts).size).toBe(1);
    expect(await subscriber.show()).toMatchObject({ failing_since: null });
    await eventually(async () => expect(await app.sql(`SELECT due_at = 'infinity' AS idle, failing FROM event_subscription_lanes WHERE subscription_id = $1`, [subscriber.id])).toEqual([{ idle: true, failing: false }]));
    expect((await subscriber.attempts('failed')).map(({ status_code }) => status_code)).toEqual([503, 500]);
  });

  test('end after ten, in three days; and with nothing but failures for five the subscription is disabled', async () => {
    answer(500);
    const begun = app.clock.now().getTime();
    await subscriber.redeem('ann');
    for (let tries = 1; tries < 10; tries += 1) {
      const [last] = await subscriber.logged(tries);
      app.clock.advance(Date.parse(last!.next_attempt_at!) - app.clock.now().getTime() + 1);
    }
    expect((await subscriber.logged(10))[0]).toMatchObject({ message_status: 'failed', next_attempt_at: null });
    const days = (app.clock.now().getTime() - begun) / DAY;
    expect(days).toBeGreaterThan(2.8);
    expect(days).toBeLessThan(3.5);
    expect(await subscriber.show()).toMatchObject({ active: true, failing_since: expect.any(String) });

    app.clock.advance(2.3 * DAY);
    await subscriber.redeem('bob');
    await eventually(async () => expect(await subscriber.show()).toMatchObject({ active: false, disabled: { code: 'failing', detail: expect.stringMatching('five days') } }));
    expect((await subscriber.api.GET('/api/v1/marketing/audit-log', {})).data!.data).toEqual(expect.arrayContaining([expect.objectContaining({ actor: 'system', action: 'event_subscription.disabled' })]));
    expect(await subscriber.change({ active: true })).toMatchObject({ active: true, disabled: null, failing_since: null });
  });

  test('stop at 410, with the reason, and what waits is sent when the receiver is back', async () => {
    answer(410);
    await subscriber.redeem('ann');
    await subscriber.logged(1);
    await eventually(async () => expect(await subscriber.show()).toMatchObject({ active: false, disabled: { code: 'gone', detail: 'The receiver answered 410 Gone.', at: expect.any(String) } }));
    expect((await subscriber.logged(1))[0]).toMatchObject({ message_status: 'pending', next_attempt_at: null });
    app.clock.advance(DAY);
    await subscriber.redeem('bob');
    expect(await subscriber.change({ events: ['promo.redeemed', 'promo.rolled_back'] })).toMatchObject({ active: false, disabled: { code: 'gone' } });
    subscriber.receiver.react = () => 'take';
    await subscriber.change({ active: true });
    expect((await subscriber.bodies(1))[0]).toMatchObject({ data: { customer_id: 'ann' } });
  });

  test('wait as long as the receiver asks', async () => {
    answer(503, { 'retry-after': '600' });
    await subscriber.redeem('ann');
    const [first] = await subscriber.logged(1);
    expect(Date.parse(first!.next_attempt_at!) - Date.parse(first!.attempted_at)).toBeGreaterThanOrEqual(600_000);
    await subscriber.redeem('bob'); // which is not sent there either
    app.clock.advance(5 * MINUTE);
    const quick = await Subscriber.of(app, ['promo.redeemed']);
    await quick.redeem('eve');
    await quick.bodies(1);
    await quick.receiver.close();
    expect(subscriber.receiver.posts).toHaveLength(1);
    subscriber.receiver.react = () => 'take';
    app.clock.advance(6 * MINUTE);
    await subscriber.bodies(2);
  });

  test('that never end hold up nobody else, and time out', async () => {
    subscriber.receiver.react = () => 'never answer';
    await subscriber.redeem('ann');
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(1));
    const other = await Subscriber.of(app, ['promo.redeemed']);
    await other.redeem('bob');
    await other.bodies(1);
    await other.redeem('eve');
    await other.bodies(2);
    expect(await subscriber.attempts()).toEqual([]); // still under way
    const [attempt] = await subscriber.logged(1);
    expect(attempt).toMatchObject({ status: 'failed', status_code: null, error: 'timeout', response: null });
    expect(attempt!.duration_ms).toBeGreaterThanOrEqual(15_000);
    await other.receiver.close();
  });

  test('follow no redirect', async () => {
    const elsewhere: string[] = [];
    const target = await startProvider((_, body) => (elsewhere.push(body), { status: 200 }));
    answer(302, { location: target.url });
    await subscriber.redeem('ann');
    expect((await subscriber.logged(1))[0]).toMatchObject({ status: 'failed', status_code: 302 });
    expect(elsewhere).toEqual([]);
    await target.close();
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', { status: 'failed', status_code: null }],
    ['a status that is none', 'HTTP/1.1 999 Whatever\r\ncontent-length: 0\r\n\r\n', { status: 'failed', status_code: null, error: 'ebadstatus' }],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n', { status: 'failed', status_code: null, error: 'ebadstatus' }],
    ['a body that no column can hold', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na\u0000b\u00ff\u00fe\u00ed\u00a0\u0080c', { status: 'succeeded', status_code: 200, response: expect.stringMatching(/^a�b�+c$/) }],
    ['a body without an end', `HTTP/1.1 500 Oops\r\n\r\n${'x'.repeat(200_000)}`, { status: 'failed', status_code: 500, response: 'x'.repeat(500) }],
    ['headers without an end', `HTTP/1.1 200 OK\r\n${'x-long: y\r\n'.repeat(20_000)}`, { status: 'failed', status_code: null }],
  ])('survive an answer that is %s', async (_, bytes, expected) => {
    const server = createServer((socket) => void socket.on('error', () => undefined).once('data', () => socket.write(Buffer.from(bytes, 'latin1'))));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await subscriber.change({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    await subscriber.redeem('ann');
    expect((await subscriber.logged(1))[0]).toMatchObject(expected);
    server.close();
  });

  test('that are still under way at a receiver when the subscription moves say nothing of the new one', async () => {
    const held = Promise.withResolvers<void>();
    subscriber.receiver.react = () => held.promise.then(() => ({ status: 410 }));
    await subscriber.redeem('ann');
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(1));
    const moved = await startReceiver();
    moved.secret = subscriber.receiver.secret;
    await subscriber.change({ url: moved.url });
    held.resolve();
    expect((await subscriber.logged(1))[0]).toMatchObject({ status_code: 410, message_status: 'pending' });
    expect(await subscriber.show()).toMatchObject({ active: true, disabled: null, failing_since: null });
    await subscriber.redeem('bob');
    await eventually(() => expect(moved.messages).toHaveLength(1));
    await moved.close();
  });

  test('that are under way do not stand for one that is asked for meanwhile', async () => {
    await subscriber.redeem('ann');
    const [first] = await subscriber.logged(1);
    const held = Promise.withResolvers<ProviderAnswer>();
    subscriber.receiver.react = () => held.promise;
    await subscriber.retry(first!.id);
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(2));
    app.clock.advance(1_000);
    expect((await subscriber.retry(first!.id)).response.status).toBe(202);
    subscriber.receiver.react = () => 'take';
    held.resolve({ status: 200 });
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(3));
    expect((await subscriber.logged(3))[0]).toMatchObject({ status: 'succeeded', message_status: 'succeeded' });
  });

  test('can be made once more by hand, whatever became of the message', async () => {
    await subscriber.redeem('ann');
    const [taken] = await subscriber.logged(1);
    const { data, response } = await subscriber.retry(taken!.id);
    expect([response.status, data]).toMatchObject([202, { id: taken!.id, message_status: 'pending', next_attempt_at: expect.any(String) }]);
    await eventually(() => expect(subscriber.receiver.posts).toEqual([taken!.message_id, taken!.message_id]));
    await subscriber.logged(2);

    answer(503, { 'retry-after': '86400' });
    await subscriber.redeem('bob');
    const [failed] = await subscriber.logged(3);
    subscriber.receiver.react = () => 'take';
    await subscriber.retry(failed!.id);
    await subscriber.bodies(2);

    const stranger = await Subscriber.of(app, ['promo.redeemed']);
    const theirs = await stranger.api.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/attempts/{attempt_id}/retry', { params: { path: { subscription_id: subscriber.id, attempt_id: failed!.id } } });
    expect(theirs.error).toMatchObject({ code: 'event_subscription_not_found' });
    expect((await stranger.retry(failed!.id)).error).toMatchObject({ code: 'attempt_not_found' });
    await subscriber.change({ active: false });
    expect((await subscriber.retry(failed!.id)).error).toMatchObject({ code: 'subscription_inactive' });
    await stranger.receiver.close();
  });

  test('are signed with the new secret and the old one for a day, then with the new one alone', async () => {
    const seen: { headers: Record<string, string>; text: string }[] = [];
    const target = await startProvider((request, text) => (seen.push({ headers: request.headers as Record<string, string>, text }), { status: 200 }));
    await subscriber.change({ url: target.url });
    const old = subscriber.receiver.secret;
    const { data } = await subscriber.api.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/rotate', subscriber.path);
    const verifies = (secret: string) => seen.map(({ headers, text }) => {
      try {
        return Boolean(new Webhook(secret).verify(text, headers));
      } catch {
        return false;
      }
    });
    await subscriber.redeem('ann');
    await eventually(() => expect(seen).toHaveLength(1));
    app.clock.advance(DAY + MINUTE);
    await subscriber.redeem('bob');
    await eventually(() => expect(seen).toHaveLength(2));
    expect([verifies(data!.secret!), verifies(old)]).toEqual([[true, true], [true, false]]);
    await target.close();
  });

  test('are listed page by page, of their own subscription alone, for thirty days', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await subscriber.redeem(id);
    const all = await subscriber.logged(5);
    const page = (query: object) => subscriber.api.GET('/api/v1/marketing/event-subscriptions/{subscription_id}/attempts', { params: { ...subscriber.path.params, query } });
    const first = (await page({ limit: 3 })).data!;
    const second = (await page({ limit: 3, cursor: first.meta.next_cursor })).data!;
    expect([...first.data, ...second.data]).toEqual(all);
    expect(first.meta).toMatchObject({ total: 5, has_more: true });
    const stranger = app.api(['tenant_admin'], 'somebody-else-entirely');
    expect((await stranger.GET('/api/v1/marketing/event-subscriptions/{subscription_id}/attempts', subscriber.path)).response.status).toBe(404);
    await app.sql(`UPDATE outgoing_messages SET created_at = created_at - interval '31 days' WHERE message_id = ANY ($1)`, [first.data.map(({ message_id }) => message_id)]);
    const { OutgoingData } = await import('#subscriptions');
    await app.nest.get(OutgoingData, { strict: false }).sweep(new AbortController().signal);
    expect(await subscriber.attempts()).toEqual(second.data);
  });
});

describe('where private targets are refused', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  test.each(['https://127.0.0.1', 'https://localhost', 'https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://169.254.169.254'])('%s is never called', async (host) => {
    let connections = 0;
    const server = createServer(() => void (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const subscriber = await Subscriber.of(app, ['promo.redeemed'], { url: `${host}:${(server.address() as AddressInfo).port}/hook` });
    await subscriber.redeem('ann');
    expect((await subscriber.logged(1))[0]).toMatchObject({ status: 'failed', status_code: null, error: 'target_refused', response: null });
    expect(connections).toBe(0);
    await subscriber.receiver.close();
    server.close();
  });
});

import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { startProvider } from './support/provider.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';

describe('people in messages to subscribers', () => {
  let app: TestApp;
  let subscriber: Subscriber;
  beforeAll(async () => void (app = await startApp({ worker: true, env: OPEN_ENV })));
  beforeEach(async () => void (subscriber = await Subscriber.of(app, ['promo.redeemed', 'customer.unsubscribed'])));
  afterEach(() => subscriber.receiver.close());
  afterAll(() => app.close());

  const unsubscribe = (...ids: string[]) =>
    subscriber.api.POST('/api/v1/marketing/customers/batch', { body: { customers: ids.map((customer_id) => ({ customer_id, consents: { email: { status: 'unsubscribed' as const } } })) } });
  const told = async (customer_id: string) =>
    ((await subscriber.api.GET('/api/v1/marketing/customers/{customer_id}/export', { params: { path: { customer_id } } })).data!.data as unknown as { event_messages: { type: string; told: string[] }[] }).event_messages;
  /** The receiver's answer repeats what it was told. */
  const refuse = () => void (subscriber.receiver.react = ({ body }) => ({ status: 500, body }));
  const take = () => {
    subscriber.receiver.react = () => 'take';
    app.clock.advance(60_000);
  };

  test('are told in their export, and gone with their erasure, from the log and from what waits', async () => {
    refuse();
    await subscriber.redeem('guest-zoe');
    await unsubscribe('guest-zoe', 'guest-bob');
    await subscriber.logged(2);
    await unsubscribe('guest-ann');
    await subscriber.api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'guest-zoe' } }, body: { consents: { sms: { status: 'unsubscribed' } } } });
    await subscriber.logged(4);
    const log = () => app.sql<{ text: string }>(`SELECT a::text AS text FROM outgoing_attempts a UNION ALL SELECT m::text FROM outgoing_messages m UNION ALL SELECT j.data::text FROM pgboss.job j`);
    expect(JSON.stringify(await log())).toContain('guest-zoe');
    expect((await told('guest-zoe')).map((one) => [one.type, one.told])).toEqual([['promo.redeemed', []], ['customer.unsubscribed', []], ['customer.unsubscribed', []]]);

    await subscriber.api.DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'guest-zoe' } } });
    const left = JSON.stringify(await log());
    expect(left).not.toContain('guest-zoe');
    expect(left).toContain('guest-ann'); // whose message was answered likewise

    take();
    const bodies = await subscriber.bodies(3);
    const people = bodies.map(({ type, data }) => [type, data.customer_id ?? data.customers]);
    expect(people).toEqual(expect.arrayContaining([
      ['promo.redeemed', undefined],
      ['customer.unsubscribed', [expect.objectContaining({ customer_id: 'guest-bob' })]],
      ['customer.unsubscribed', [expect.objectContaining({ customer_id: 'guest-ann' })]],
    ]));
    expect(bodies.find(({ type }) => type === 'promo.redeemed')!.data.customer_id).toBeNull();
    await eventually(async () => expect(await app.sql(`SELECT 1 FROM outgoing_deliveries WHERE status = 'pending' AND subscription_id = $1`, [subscriber.id])).toEqual([]));
  });

  test('whose answer comes after their erasure leave nothing of them in the log', async () => {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow = await startProvider(async (_, body) => {
      asked.resolve();
      await held.promise;
      return { status: 200, body: JSON.parse(body) as unknown };
    });
    await subscriber.change({ url: slow.url });
    await subscriber.redeem('guest-eve');
    await asked.promise;
    await subscriber.api.DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'guest-eve' } } });
    held.resolve();
    expect((await subscriber.logged(1))[0]).toMatchObject({ status: 'succeeded', response: null });
    await slow.close();
  });

  test('who were merged meanwhile are told by who they are now, and so is their export', async () => {
    refuse();
    await unsubscribe('guest-old');
    await subscriber.logged(1);
    await unsubscribe('guest-new');
    await subscriber.logged(2);
    await subscriber.api.POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'guest-new' } }, body: { from: 'guest-old' } });
    take();
    const bodies = await subscriber.bodies(2);
    expect(bodies.flatMap(({ data }) => data.customers)).toEqual([expect.objectContaining({ customer_id: 'guest-new' }), expect.objectContaining({ customer_id: 'guest-new' })]);
    await eventually(async () => expect((await told('guest-new')).map((one) => one.told)).toEqual([[`${subscriber.receiver.url}`], [`${subscriber.receiver.url}`]]));
  });
});

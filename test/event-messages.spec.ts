import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';
import { newTenant } from './support/tokens.js';

const ORDER = { items: [{ id: 'l1', quantity: 2, unit_price: 20 }] };

describe('what subscribers are told', () => {
  let app: TestApp;
  let tenant: string;
  let api: Api;
  const open: Subscriber[] = [];
  const subscribe = async (...events: string[]): Promise<Subscriber> => {
    open.push(await Subscriber.of(app, events, { tenant }));
    return open.at(-1)!;
  };

  beforeAll(async () => void (app = await startApp({ worker: true, env: OPEN_ENV })));
  beforeEach(() => {
    tenant = newTenant();
    api = app.api(['tenant_admin'], tenant);
  });
  afterEach(() => Promise.all(open.splice(0).map(({ receiver }) => receiver.close())));
  afterAll(() => app.close());

  const promo = () => api.POST('/api/v1/marketing/promos', { body: { code: 'SAVE10', type: 'percentage', value: 10 } });
  const redeem = async (id: string, customer_id?: string): Promise<string> => {
    const { data } = await api.POST('/api/v1/marketing/promos/redemptions', { body: { code: 'SAVE10', customer_id, order: { id, ...ORDER } } });
    return (data as { id: string }).id;
  };

  test('a redemption, and that it was taken back, in their tenant’s currency', async () => {
    const subscriber = await subscribe('promo.redeemed', 'promo.rolled_back');
    const { data } = await promo();
    const at = app.clock.now().getTime();
    const redemption_id = await redeem('o1', 'guest');
    const [redeemed] = await subscriber.bodies(1);
    expect(redeemed).toEqual({
      type: 'promo.redeemed',
      timestamp: expect.any(String),
      data: { redemption_id, promo_id: data!.id, promo_code: 'SAVE10', customer_id: 'guest', order_id: 'o1', order_total: 36, currency: 'USD' },
    });
    expect(Math.abs(Date.parse(redeemed!.timestamp) - at)).toBeLessThan(5_000);
    await api.POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id } }, body: {} });
    const [, rolledBack] = await subscriber.bodies(2);
    expect(rolledBack).toMatchObject({ type: 'promo.rolled_back', data: { redemption_id, promo_id: data!.id, promo_code: 'SAVE10', order_id: 'o1' } });
    await redeem('o2');
    expect((await subscriber.bodies(3))[2]).toMatchObject({ data: { customer_id: null, order_id: 'o2' } });
  });

  test('who came into a segment and who left it, at most 500 in a message', async () => {
    const subscriber = await subscribe('segment.entered', 'segment.exited');
    const { data: segment } = await api.POST('/api/v1/marketing/segments', { body: { name: 'Watched', type: 'static' } });
    const path = { segment_id: segment!.id };
    /** Of this segment: whoever is new enters others by themselves. */
    const told = (count: number) => eventually(() => {
      const bodies = subscriber.messages.map(({ body }) => body).filter(({ data }) => data.segment_id === segment!.id);
      expect(bodies).toHaveLength(count);
      return bodies;
    });
    const ids = Array.from({ length: 1_200 }, (_, n) => `guest-${n}`);
    for (const some of [ids.slice(0, 1000), ids.slice(1000)]) {
      await api.POST('/api/v1/marketing/customers/batch', { body: { customers: some.map((customer_id) => ({ customer_id })) } });
      await api.POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path }, body: { customer_ids: some } });
    }
    const entered = await told(3);
    expect(entered.map(({ type }) => type)).toEqual(Array(3).fill('segment.entered'));
    const customers = entered.map(({ data }) => data.customers as { customer_id: string }[]);
    expect(customers.map(({ length }) => length).sort()).toEqual([200, 500, 500]);
    expect(new Set(customers.flat().map(({ customer_id }) => customer_id))).toEqual(new Set(ids));
    await api.DELETE('/api/v1/marketing/segments/{segment_id}/members/{customer_id}', { params: { path: { ...path, customer_id: 'guest-7' } } });
    expect((await told(4))[3]).toMatchObject({ type: 'segment.exited', data: { customers: [{ customer_id: 'guest-7' }] } });
  });

  test('who unsubscribed, and nobody who had before', async () => {
    const subscriber = await subscribe('customer.unsubscribed');
    const put = (customer_id: string, consents: object) => api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } }, body: { consents } });
    const at = '2026-01-24T18:30:00.000Z';
    await put('ann', { email: { status: 'unsubscribed', at }, sms: { status: 'subscribed' } });
    expect((await subscriber.bodies(1))[0]).toMatchObject({ type: 'customer.unsubscribed', data: { customers: [{ customer_id: 'ann', channel: 'email', at }] } });
    await put('ann', { email: { status: 'unsubscribed', at: '2026-01-23T18:30:00.000Z' } });
    await put('ann', { email: { status: 'unsubscribed', at: '2026-01-25T18:30:00.000Z' } });
    await put('ann', { email: { status: 'unsubscribed' } });
    await put('ann', { sms: { status: 'unsubscribed', at } });
    expect((await subscriber.bodies(2))[1]).toMatchObject({ data: { customers: [{ customer_id: 'ann', channel: 'sms', at }] } });
    await api.POST('/api/v1/marketing/customers/batch', { body: { customers: ['bob', 'eve'].map((customer_id) => ({ customer_id, consents: { email: { status: 'unsubscribed' as const } } })) } });
    const [, , both] = await subscriber.bodies(3);
    expect((both!.data.customers as { customer_id: string }[]).map(({ customer_id }) => customer_id).sort()).toEqual(['bob', 'eve']);
  });

  test('only what they subscribe to, only of their own tenant, and each of several', async () => {
    const [one, other] = [await subscribe('promo.redeemed'), await subscribe('promo.redeemed', 'promo.rolled_back')];
    const stranger = await Subscriber.of(app, ['promo.redeemed']);
    open.push(stranger);
    await promo();
    const redemption_id = await redeem('o1');
    await api.POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id } }, body: {} });
    await other.bodies(2);
    await one.bodies(1);
    expect(one.messages[0]!.id).toBe(other.messages[0]!.id);
    expect(one.receiver.secret).not.toBe(other.receiver.secret);
    expect(stranger.receiver.posts).toEqual([]);
  });

  test('nothing while they are not active, and what waits when they are again', async () => {
    const subscriber = await subscribe('promo.redeemed');
    await promo();
    subscriber.receiver.react = () => ({ status: 500 });
    await redeem('before');
    await subscriber.logged(1);
    await subscriber.change({ active: false });
    await redeem('meanwhile');
    subscriber.receiver.react = () => 'take';
    app.clock.advance(60_000);
    await subscriber.change({ active: true });
    await redeem('after');
    const bodies = await subscriber.bodies(2);
    expect(bodies.map(({ data }) => data.order_id).sort()).toEqual(['after', 'before']);
  });

  test('where nobody subscribes no job is made, and no message', async () => {
    await promo();
    await redeem('o1');
    const subscriber = await subscribe('campaign.completed');
    await redeem('o2');
    const of = [tenant];
    expect(await app.sql(`SELECT name FROM pgboss.job WHERE name LIKE '%-to-subscribers' AND data->'tenant'->>'name' = $1`, of)).toEqual([]);
    expect(await app.sql('SELECT 1 FROM outgoing_messages m JOIN tenants t ON t.id = m.tenant_id WHERE t.name = $1', of)).toEqual([]);
    expect(subscriber.receiver.posts).toEqual([]);
  });

  test('everything from the answer on, also what another process publishes that had just looked', async () => {
    const elsewhere = await startApp();
    try {
      const there = elsewhere.api(['tenant_admin'], tenant);
      await promo();
      const begun: { id: string; at: number }[] = [];
      let going = true;
      const till = async (name: string): Promise<void> => {
        for (let n = 0; going; n += 1) {
          const id = `${name}-${n}`;
          begun.push({ id, at: performance.now() });
          const { response } = await there.POST('/api/v1/marketing/promos/redemptions', { body: { code: 'SAVE10', order: { id, ...ORDER } } });
          expect(response.status).toBe(201);
          await sleep(5);
        }
      };
      const tills = [till('a'), till('b')];
      await eventually(() => expect(begun.length).toBeGreaterThan(20));
      const subscriber = await subscribe('promo.redeemed');
      const answered = performance.now();
      await eventually(() => expect(begun.filter(({ at }) => at > answered).length).toBeGreaterThan(40));
      going = false;
      await Promise.all(tills);
      const promised = begun.filter(({ at }) => at > answered).map(({ id }) => id);
      await eventually(() => expect(subscriber.messages.map(({ body }) => body.data.order_id)).toEqual(expect.arrayContaining(promised)));
    } finally {
      await elsewhere.close();
    }
  });

  test('an event whose job is done again after a crash is one message', async () => {
    const subscriber = await subscribe('promo.redeemed');
    await promo();
    await redeem('o1');
    await subscriber.bodies(1);
    await app.sql(`UPDATE pgboss.job SET state = 'created', completed_on = NULL, started_on = NULL, start_after = now() WHERE name = 'promo.redeemed-to-subscribers' AND data->'tenant'->>'name' = $1`, [tenant]);
    await redeem('o2');
    await eventually(async () => expect(await app.sql(`SELECT 1 FROM pgboss.job WHERE name = 'promo.redeemed-to-subscribers' AND data->'tenant'->>'name' = $1 AND state = 'completed'`, [tenant])).toHaveLength(2));
    await subscriber.bodies(2);
    await subscriber.logged(2);
  });
});

import { Customers, Suppressions } from '#customers';
import { Database } from '#database';
import { Tenants } from '#tenants';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';

describe('the door of customers', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const doors = async () => ({
    customers: app.nest.get(Customers, { strict: false }),
    suppressions: app.nest.get(Suppressions, { strict: false }),
    database: app.nest.get(Database, { strict: false }),
    tenant: await app.nest.get(Tenants, { strict: false }).resolve(app.tenant),
  });

  test('callers at once make one bare profile of an id', async () => {
    const { customers, database, tenant } = await doors();
    const ids = Array.from({ length: 50 }, (_, index) => `ensured_${index}`);
    const shuffled = () => [...ids].sort(() => Math.random() - 0.5);
    const seen = await Promise.all(Array.from({ length: 8 }, () => database.inTenant(tenant, (tx) => customers.ensure(tx, tenant, shuffled()))));
    for (const numbers of seen) expect(numbers.get('ensured_7')).toBe(seen[0]!.get('ensured_7'));
    const rows = await app.sql<{ n: number }>(`SELECT count(*)::int AS n FROM customers WHERE tenant_id = $1 AND customer_id LIKE 'ensured\\_%'`, [tenant.id]);
    expect(rows).toEqual([{ n: 50 }]);
    expect(await database.inTenant(tenant, (tx) => customers.idsOf(tx, tenant, [...seen[0]!.values()]))).toHaveProperty('size', 50);
  });

  test('who meets others creating the same customers creates the rest, changes those, and marks all of them', async () => {
    const { customers, database, tenant } = await doors();
    const rows = (ids: string[], city: string) => ids.map((id) => ({ customerId: `raced_${id}`, patch: { city } }));
    let second!: Promise<number[]>;
    const first = await database.inTenant(tenant, async (tx) => {
      const numbers = await customers.upsertMany(tx, tenant, rows(['b', 'd'], 'Rome'));
      second = database.inTenant(tenant, (other) => customers.upsertMany(other, tenant, rows(['a', 'b', 'c', 'd'], 'Oslo')));
      await eventually(async () => expect(await app.sql(`SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND l.locktype = 'transactionid' AND a.datname = current_database()`)).not.toEqual([]));
      return numbers;
    });
    const [a, b, c, d] = await second;
    expect([b, d]).toEqual(first);
    const known = await app.sql('SELECT customer_no, customer_id, city FROM customers WHERE tenant_id = $1 AND customer_no = ANY ($2) ORDER BY customer_id', [tenant.id, [a, b, c, d]]);
    expect(known).toEqual([['a', a], ['b', b], ['c', c], ['d', d]].map(([id, no]) => ({ customer_no: no, customer_id: `raced_${id}`, city: 'Oslo' })));
    const marks = await app.sql<{ no: number; n: number }>('SELECT customer_no AS no, count(*)::int AS n FROM changed_customers WHERE tenant_id = $1 AND customer_no = ANY ($2) GROUP BY 1', [tenant.id, [a, b, c, d]]);
    expect(new Map(marks.map(({ no, n }) => [no, n]))).toEqual(new Map([[a, 1], [b, 2], [c, 1], [d, 2]]));
  });

  test('an opt-out suppresses the address, a later consent lifts it, a bounce stays', async () => {
    const { customers, suppressions, database, tenant } = await doors();
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
    await database.inTenant(tenant, async (tx) => {
      const customerNo = await customers.upsertOne(tx, tenant, 'guest', { email: ' Guest@Example.com ' });
      const reason = async () => (await suppressions.suppressed(tx, tenant, 'email', ['guest@EXAMPLE.com'])).get('guest@EXAMPLE.com');
      const set = (status: 'subscribed' | 'unsubscribed', minute: number) =>
        customers.setConsent(tx, tenant, [{ customerNo, channel: 'email', status, source: 'test', at: at(minute) }]);
      expect((await customers.findByAddresses(tx, tenant, 'email', ['GUEST@example.com'])).get('GUEST@example.com')).toBe(customerNo);
      await set('unsubscribed', 10);
      expect(await reason()).toBe('unsubscribed');
      await set('subscribed', 5); // reported late: given before the opt-out
      expect(await reason()).toBe('unsubscribed');
      await set('subscribed', 20);
      expect(await reason()).toBeUndefined();
      expect((await customers.profiles(tx, tenant, [customerNo])).get(customerNo)).toMatchObject({ customer_id: 'guest', email: 'guest@example.com', consent_email: 'subscribed' });
      await set('unsubscribed', 30);
      await suppressions.add(tx, tenant, [{ channel: 'email', address: 'guest@example.com', reason: 'hard_bounce', at: at(40) }]);
      await set('subscribed', 50);
      expect(await reason()).toBe('hard_bounce');
    });
  });

  test('facts of orders add up, and the customers are marked as changed', async () => {
    const { customers, database, tenant } = await doors();
    await database.inTenant(tenant, async (tx) => {
      const customerNo = (await customers.ensure(tx, tenant, ['eater'])).get('eater')!;
      await customers.recordOrderFacts(tx, tenant, [
        { customerNo, orders: 1, spent: 2500, firstAt: new Date('2026-02-01Z'), lastAt: new Date('2026-02-01Z') },
        { customerNo, orders: 1, spent: 1500, firstAt: new Date('2026-01-01Z'), lastAt: new Date('2026-01-01Z') },
      ]);
      await customers.recordOrderFacts(tx, tenant, [{ customerNo, orders: 0, spent: -500, firstAt: null, lastAt: null }]);
      const facts = await tx.query('SELECT order_count, total_spent, first_order_at, last_order_at FROM customers WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
      expect(facts).toEqual([{ order_count: 2, total_spent: '3500', first_order_at: new Date('2026-01-01Z'), last_order_at: new Date('2026-02-01Z') }]);
      const marked = await tx.query('SELECT 1 FROM changed_customers WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
      expect(marked.length).toBeGreaterThan(0);
    });
  });

  test('of several reasons for an address the strongest stands, with the latest instant', async () => {
    const { suppressions, database, tenant } = await doors();
    const entry = (reason: 'opt_out' | 'unsubscribed', day: number) => ({ channel: 'email' as const, address: 'twice@example.com', reason, at: new Date(Date.UTC(2026, 0, day)) });
    await database.inTenant(tenant, async (tx) => {
      for (const [known, added] of [[entry('unsubscribed', 1), entry('opt_out', 9)], [entry('opt_out', 9), entry('unsubscribed', 1)]] as const) {
        await suppressions.lift(tx, tenant, 'email', 'twice@example.com');
        await suppressions.add(tx, tenant, [known]);
        await suppressions.add(tx, tenant, [added]);
        const found = await suppressions.find(tx, tenant, [known]);
        expect(found('email', 'twice@example.com')).toEqual({ reason: 'unsubscribed', at: new Date(Date.UTC(2026, 0, 9)) });
      }
    });
  });

  test('more suppressions than are read at once are all known, of the channel and the reasons that were asked for', async () => {
    const { suppressions, database, tenant } = await doors();
    const addresses = Array.from({ length: 50_001 }, (_, n) => `closed${n}@example.com`);
    await database.inTenant(tenant, async (tx) => {
      const of = (reasons: Parameters<typeof suppressions.all>[3]) => suppressions.all(tx, tenant, 'email', reasons);
      expect(await of(['soft_bounces'])).toBeNull();
      await suppressions.add(tx, tenant, addresses.map((address) => ({ channel: 'email', address, reason: 'soft_bounces', at: new Date(0) })));
      await suppressions.add(tx, tenant, [{ channel: 'sms', address: 'fine@example.com', reason: 'soft_bounces', at: new Date(0) }, { channel: 'email', address: 'left@example.com', reason: 'manual', at: new Date(0) }]);
      const isSuppressed = (await of(['soft_bounces']))!;
      expect(addresses.filter((address) => !isSuppressed(address))).toEqual([]);
      expect(['fine@example.com', 'left@example.com'].map(isSuppressed)).toEqual([false, false]);
      expect((await of(['soft_bounces', 'manual']))!('left@example.com')).toBe(true);
    });
  });
});

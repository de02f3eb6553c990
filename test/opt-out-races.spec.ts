import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { slowly } from './support/slowly.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

const EMAIL = 'shared@example.com';
const LONG_AGO = '2025-01-01T00:00:00Z';
const OPT_OUT = { consents: { email: { status: 'unsubscribed' } } };
const SUBSCRIBED = { consents: { email: { status: 'subscribed', at: LONG_AGO } } };

describe('an opt-out of an address, and others who come to it', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  let customers: TestImports;
  beforeEach(async () => {
    customers = new TestImports(app, newTenant());
    await put('has', { email: EMAIL });
    await put('moves', { email: 'other@example.com', ...SUBSCRIBED });
  });

  const put = async (id: string, body: object) => {
    const { data, response } = await customers.put(id, body);
    expect([id, response.ok]).toEqual([id, true]);
    return data!;
  };
  const status = async (id: string) => (await customers.customer(id))!.consents.email.status;
  const deadlocks = async () => (await app.sql<{ deadlocks: string }>('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'))[0]!.deadlocks;
  const waiting = () => eventually(async () => expect(await app.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory' AND datname = current_database()`)).not.toEqual([]));

  /** Someone who comes to the address, and how. */
  const COMERS: [string, () => Promise<unknown>][] = [
    ['moves', () => put('moves', { email: EMAIL })],
    ['new', () => put('new', { email: EMAIL, ...SUBSCRIBED })],
    ['new', () => customers.batch({ customer_id: 'new', email: EMAIL, ...SUBSCRIBED }, { customer_id: 'another', email: 'another@example.com' })],
    ['new', () => customers.batch({ customer_id: 'new', email: EMAIL, ...SUBSCRIBED }, ...Array.from({ length: 100 }, (_, n) => ({ customer_id: `crowd-${n}` })))],
  ];
  const optOutByWebhook = async () => {
    const sender = await WebhookSender.connect(app, 'mailchimp', customers.tenant);
    return () => sender.post([{ event_type: 'unsubscribed', email: EMAIL, timestamp: '2026-03-01T00:00:00Z' }]);
  };

  test.each(COMERS)('somebody came first and is not done: the opt-out waits, and is of them, too (%#)', async (id, come) => {
    const finish = await slowly(app, come);
    const optOut = put('has', OPT_OUT);
    await waiting();
    await finish();
    await optOut;
    expect([await status('has'), await status(id)]).toEqual(['unsubscribed', 'unsubscribed']);
  });

  test.each(COMERS)('the opt-out came first and is not done: whoever comes waits, and is opted out (%#)', async (id, come) => {
    const finish = await slowly(app, () => put('has', OPT_OUT));
    const coming = come();
    await waiting();
    await finish();
    await coming;
    expect([await status('has'), await status(id)]).toEqual(['unsubscribed', 'unsubscribed']);
  });

  test('so it is when a webhook opts out an address that nobody is known to have yet', async () => {
    await put('has', { email: 'elsewhere@example.com' });
    const optOut = await optOutByWebhook();
    const finish = await slowly(app, () => put('new', { email: EMAIL, ...SUBSCRIBED }));
    await optOut();
    await waiting();
    await finish();
    await eventually(async () => expect(await status('new')).toBe('unsubscribed'));
  });

  test('who has or gets other addresses waits for nobody', async () => {
    const finish = await slowly(app, () => customers.batch({ customer_id: 'has', first_name: 'Ada' }, { customer_id: 'moves', email: 'third@example.com', ...SUBSCRIBED }));
    await Promise.all([put('n1', { email: 'n1@example.com' }), put('n2', { email: 'third@example.com', ...SUBSCRIBED })]);
    expect(await customers.run(`customer_id,email\n${Array.from({ length: 200 }, (_, row) => `i${row},i${row}@example.com`).join('\n')}\n`)).toMatchObject({ created: 200 });
    await finish();
  });

  test('a customer who is new with it and one who has it opt out at once, without a deadlock', async () => {
    const before = await deadlocks();
    for (let round = 0; round < 8; round++) {
      const email = `round${round}@example.com`;
      await put(`old${round}`, { email });
      await Promise.all([put(`new${round}`, { email, ...OPT_OUT }), put(`old${round}`, OPT_OUT)]);
      expect([await status(`old${round}`), await status(`new${round}`)]).toEqual(['unsubscribed', 'unsubscribed']);
    }
    expect(await deadlocks()).toBe(before);
  });

  test('all of them at once, by every way: no one waits in a circle, everybody is opted out', async () => {
    const sender = await WebhookSender.connect(app, 'mailchimp', customers.tenant);
    const before = await deadlocks();
    for (let round = 0; round < 8; round++) {
      const email = `storm${round}@example.com`;
      const id = (name: string) => `${name}${round}`;
      await customers.batch(...['a', 'b', 'c', 'd'].map((name) => ({ customer_id: id(name), email: name < 'c' ? email : `${name}${email}`, ...SUBSCRIBED })));
      await Promise.all([
        put(id('a'), OPT_OUT),
        put(id('c'), { email }),
        put(id('e'), { email, ...SUBSCRIBED }),
        put(id('f'), { email, ...OPT_OUT }),
        customers.batch({ customer_id: id('g'), email, ...SUBSCRIBED }, { customer_id: id('d'), email }, { customer_id: id('b'), ...OPT_OUT }),
        customers.batch({ customer_id: id('b'), first_name: 'Bob' }, { customer_id: id('a'), ...OPT_OUT }, { customer_id: id('h'), email, ...SUBSCRIBED }),
        sender.post([{ event_type: 'unsubscribed', email, timestamp: new Date().toISOString() }]),
        customers.run(`customer_id,email,consents.email.status\n${id('i')},${email},subscribed\n${id('d')},${email},\n`),
      ]);
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
      await eventually(async () => expect(await app.sql(`SELECT 1 FROM webhook_events WHERE status = 'pending'`)).toEqual([]));
      expect(await Promise.all(names.map(async (name) => [name, await status(id(name))]))).toEqual(names.map((name) => [name, 'unsubscribed']));
    }
    expect(await deadlocks()).toBe(before);
  }, 60_000);

  describe('in one batch', () => {
    test('an opt-out is of the address that its row finds the customer at, wherever later rows move them', async () => {
      await put('w', { email: 'e@example.com', ...SUBSCRIBED });
      await customers.batch({ customer_id: 'q', email: 'e@example.com', ...OPT_OUT }, { customer_id: 'q', email: 'ne@example.com' });
      expect([await status('w'), await status('q')]).toEqual(['unsubscribed', 'unsubscribed']);
      expect((await put('newcomer', { email: 'e@example.com' })).consents.email.status).toBe('unsubscribed');
      expect((await put('newer', { email: 'ne@example.com' })).consents.email.status).toBe('unknown');
    });

    test('likewise of a customer who is known, and in an import', async () => {
      await customers.batch({ customer_id: 'w', email: EMAIL, ...SUBSCRIBED }, { customer_id: 'v', email: 'v@example.com', ...SUBSCRIBED });
      await customers.batch({ customer_id: 'has', ...OPT_OUT }, { customer_id: 'has', email: 'v@example.com' });
      expect([await status('w'), await status('v')]).toEqual(['unsubscribed', 'subscribed']);
      await customers.run('customer_id,email,consents.email.status\nq,v@example.com,unsubscribed\nq,nv@example.com,\n');
      expect(await status('v')).toBe('unsubscribed');
    });

    test('who takes the address in a later row is opted out, who left it in an earlier one is not', async () => {
      await customers.batch({ customer_id: 'moves', email: EMAIL }, { customer_id: 'moves', email: 'away@example.com' }, { customer_id: 'has', ...OPT_OUT }, { customer_id: 'later', email: EMAIL, ...SUBSCRIBED });
      expect([await status('moves'), await status('later')]).toEqual(['subscribed', 'unsubscribed']);
    });

    test('a consent that follows takes it back', async () => {
      await customers.batch({ customer_id: 'has', consents: { email: { status: 'unsubscribed', at: '2026-01-01T00:00:00Z' } } }, { customer_id: 'has', consents: { email: { status: 'subscribed', at: '2026-02-01T00:00:00Z' } } });
      expect((await put('newcomer', { email: EMAIL, ...SUBSCRIBED })).consents.email.status).toBe('subscribed');
    });
  });
});

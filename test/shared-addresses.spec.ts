import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

const BASE = '/api/v1/marketing';
const EMAIL = 'family@example.com';
const PHONE = '+14155552671';

describe('profiles that share an address', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  let customers: TestImports;
  beforeEach(async () => {
    customers = new TestImports(app, newTenant());
    await customers.batch({ customer_id: 'ada', email: EMAIL, phone: PHONE }, { customer_id: 'bob', email: EMAIL, consents: { email: { status: 'subscribed', at: '2026-01-01T00:00:00Z' } } }, { customer_id: 'eve', email: 'eve@example.com', phone: PHONE });
  });

  const api = () => app.api(['tenant_admin'], customers.tenant);
  const put = async (id: string, body: object) => (await customers.put(id, body)).data!;
  const optOut = (at?: string, channel = 'email') => ({ consents: { [channel]: { status: 'unsubscribed', source: 'shop', at } } });
  const statuses = (channel: 'email' | 'sms' = 'email') => Promise.all(['ada', 'bob', 'eve'].map(async (id) => (await customers.customer(id))!.consents[channel].status));
  const OPTED_OUT = ['unsubscribed', 'unsubscribed', 'unknown'];
  const log = () => app.sql(`SELECT customer_id, channel, l.status, source FROM consent_log l JOIN tenants t ON t.id = tenant_id JOIN customers USING (tenant_id, customer_no) WHERE t.name = $1 AND l.status = 'unsubscribed' ORDER BY 1, 2`, [customers.tenant]);
  /** How many a segment on consent would have. */
  const size = async (status: string) => (await api().POST(`${BASE}/segments/preview`, { body: { criteria: { 'consent.email': status } } })).data!.size;

  test('are opted out together by a put, each with an entry in their history, and segments see it', async () => {
    await put('ada', optOut());
    expect([await statuses(), await statuses('sms'), await size('unsubscribed')]).toEqual([OPTED_OUT, ['unknown', 'unknown', 'unknown'], 2]);
    expect((await customers.customer('bob'))!.consents.email.source).toBe('shop');
    const entry = (customer_id: string) => ({ customer_id, channel: 'email', status: 'unsubscribed', source: 'shop' });
    expect(await log()).toEqual([entry('ada'), entry('bob')]);
    await put('ada', optOut());
    expect(await log()).toHaveLength(2);
  });

  test('by a merge with somebody who opted out elsewhere', async () => {
    await customers.batch({ customer_id: 'old', email: 'old@example.com', ...optOut('2026-02-01T00:00:00Z') }, { customer_id: 'tom', email: EMAIL, consents: { email: { status: 'subscribed' } } });
    await api().POST(`${BASE}/customers/{customer_id}/merge`, { params: { path: { customer_id: 'ada' } }, body: { from: 'old' } });
    expect([await statuses(), (await customers.customer('tom'))!.consents.email.status, await size('unsubscribed')]).toEqual([OPTED_OUT, 'unsubscribed', 3]);
    expect((await customers.customer('bob'))!.consents.email).toMatchObject({ source: 'merge', at: '2026-02-01T00:00:00.000Z' });
  });

  test('again by who opts out again, after another of them came back', async () => {
    await put('ada', optOut());
    await put('bob', { consents: { email: { status: 'subscribed', at: app.clock.now().toISOString() } } });
    expect(await statuses()).toEqual(['unsubscribed', 'subscribed', 'unknown']);
    app.clock.advance(1000);
    await put('ada', optOut());
    expect(await statuses()).toEqual(OPTED_OUT);
    expect((await put('new', { email: EMAIL })).consents.email.status).toBe('unsubscribed');
  });

  test('of a phone number, too', async () => {
    await put('eve', optOut(undefined, 'sms'));
    expect([await statuses(), await statuses('sms')]).toEqual([['unknown', 'subscribed', 'unknown'], ['unsubscribed', 'unknown', 'unsubscribed']]);
  });

  test('by a customer who is new with it, or just got it, in one batch with others', async () => {
    expect(await customers.batch({ customer_id: 'new', email: EMAIL }, { customer_id: 'eve', email: EMAIL, ...optOut() }, { customer_id: 'other', email: 'other@example.com' })).toMatchObject({ created: 2, updated: 1 });
    expect([await statuses(), (await customers.customer('new'))!.consents.email.status, await size('unsubscribed')]).toEqual([['unsubscribed', 'unsubscribed', 'unsubscribed'], 'unsubscribed', 4]);
    await customers.batch({ customer_id: 'x', phone: PHONE, ...optOut(undefined, 'sms') });
    expect(await statuses('sms')).toEqual(['unsubscribed', 'unknown', 'unsubscribed']);
  });

  test('by an import', async () => {
    expect(await customers.run(`customer_id,email,consents.email.status\nnew,${EMAIL},unsubscribed\n`)).toMatchObject({ created: 1, updated: 0 });
    expect(await statuses()).toEqual(OPTED_OUT);
  });

  /** As many newcomers as are written without a look at each one's address, unless somebody says something of one. */
  const crowd = Array.from({ length: 100 }, (_, n) => ({ customer_id: `crowd-${n}`, email: `crowd-${n}@example.com`, phone: `+4179123${1000 + n}` }));

  test('by one of many who are all new', async () => {
    await customers.batch(...crowd, { customer_id: 'new', email: EMAIL, ...optOut() });
    expect([await statuses(), await size('unsubscribed')]).toEqual([OPTED_OUT, 3]);
    expect((await put('next', { email: EMAIL })).consents.email.status).toBe('unsubscribed');
  });

  test('whoever comes to the address among many who are all new, too', async () => {
    await put('ada', optOut());
    await customers.batch(...crowd, { customer_id: 'new', email: EMAIL, consents: { email: { status: 'subscribed' } } });
    expect([(await customers.customer('new'))!.consents.email.status, await size('unsubscribed')]).toEqual(['unsubscribed', 3]);
  });

  test('by a webhook that names the address, also where it says it of somebody who has another', async () => {
    const sender = await WebhookSender.connect(app, 'mailchimp', customers.tenant);
    await sender.post([{ event_type: 'unsubscribed', email: EMAIL, customer_id: 'eve', timestamp: '2026-03-01T00:00:00Z' }]);
    await eventually(async () => expect(await statuses()).toEqual(['unsubscribed', 'unsubscribed', 'unsubscribed']));
    expect((await log()).map((row) => row.source)).toEqual(Array(3).fill('webhook:mailchimp'));
  });

  test('who said yes later than the opt-out stays, and who says yes again does it alone', async () => {
    await put('ada', optOut('2025-12-01T00:00:00Z'));
    expect(await statuses()).toEqual(['unsubscribed', 'subscribed', 'unknown']);
    await put('ada', optOut('2026-02-01T00:00:00Z'));
    expect(await statuses()).toEqual(OPTED_OUT);
    await put('bob', { consents: { email: { status: 'subscribed', at: '2026-03-01T00:00:00Z' } } });
    expect(await statuses()).toEqual(['unsubscribed', 'subscribed', 'unknown']);
  });

  test('opted out through all of them at once: no one waits for another in a circle, nothing is lost', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `c${index}`);
    for (let round = 0; round < 5; round++) {
      const email = `round${round}@example.com`;
      await customers.batch(...ids.map((customer_id) => ({ customer_id, email })));
      const began = performance.now();
      const [{ deadlocks: before }] = (await app.sql<{ deadlocks: string }>('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')) as [{ deadlocks: string }];
      await Promise.all(ids.map((id, index) => (index % 2 === 0 ? put(id, optOut(`2026-0${round + 1}-02T00:00:00Z`)) : customers.batch(...[...ids.slice(index), ...ids.slice(0, index)].map((customer_id) => ({ customer_id, ...optOut(`2026-0${round + 1}-02T00:00:00Z`) }))))));
      expect(performance.now() - began).toBeLessThan(20_000);
      const [{ deadlocks: after }] = (await app.sql<{ deadlocks: string }>('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')) as [{ deadlocks: string }];
      expect(after).toBe(before);
      expect(new Set(await Promise.all(ids.map(async (id) => (await customers.customer(id))!.consents.email.status)))).toEqual(new Set(['unsubscribed']));
    }
  });
});

import { Readable } from 'node:stream';
import { Imports } from '#customers';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { WebhookSender } from './support/webhook-sender.js';

const ID = 'unmistakable-id';
const EMAIL = 'unmistakable-address@example.com';
const PHONE = '+14155550199';
const NAME = 'Unmistakable-Name';
const AT = '2026-01-02T00:00:00Z';
const BASE = '/api/v1/marketing';
/** Rows that an import works on at once. */
const CHUNK = 2000;

describe('erasing a customer whom every write route knows', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const post = async (path: string, body: unknown, { key, type = 'application/json' }: { key?: string; type?: string } = {}) => {
    const response = await app.fetch(BASE + path, { method: 'POST', headers: { 'content-type': type, ...(key && { 'idempotency-key': key }) }, body: typeof body === 'string' ? body : JSON.stringify(body) });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return { answer: answer as { id: string }, replayed: response.headers.get('idempotency-replayed') };
  };
  const imported = (import_id: string) =>
    eventually(async () => {
      const { data } = await app.api().GET('/api/v1/marketing/imports/{import_id}', { params: { path: { import_id } } });
      expect(data!.status).toBe('completed');
      return data!;
    }, { within: 20_000 });
  const erase = async () => (await app.api().DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: ID } } })).response.status;

  /** The tables, of any schema, that hold one of the texts, as it is or as bytes. */
  const tablesWith = async (texts: readonly string[]) => {
    const tables = await app.sql<{ name: string }>(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`);
    const patterns = texts.flatMap((text) => [`%${text}%`, `%${Buffer.from(text).toString('hex')}%`]);
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await app.sql<{ text: string }>(`SELECT one::text AS text FROM ${name} one WHERE one::text ILIKE ANY ($1)`, [patterns]);
      found.push(...rows.map(({ text }) => `${name}: ${text.slice(0, 300)}`));
    }
    return found;
  };

  const BATCH = { customers: [{ customer_id: 'other' }, { customer_id: ID, email: EMAIL, phone: PHONE, first_name: NAME }, { customer_id: ID, email: 'none' }] };

  const plant = async () => {
    await post('/customers/batch', BATCH, { key: 'batch' });
    await app.api().PUT('/api/v1/marketing/customers/{customer_id}', {
      params: { path: { customer_id: ID } },
      body: { last_name: NAME, city: NAME, tags: [NAME], attributes: { note: NAME }, consents: { email: { status: 'subscribed', source: NAME }, sms: { status: 'subscribed' } } },
    });
    const rows = `customer_id,email,phone,first_name,birthday\n${ID},${EMAIL},${PHONE},${NAME},\n${ID},${EMAIL}x@,${PHONE}0000000,${NAME},${NAME}\n`;
    const { answer } = await post('/customers/import', rows, { key: 'import', type: 'text/csv' });
    expect(await imported(answer.id)).toMatchObject({ updated: 1, rejected: 1 });

    const order = { id: 'o1', total: 20, items: [{ name: `for ${NAME}`, product_id: 'soup' }] };
    await post('/events', { events: [
      { id: 'e1', type: 'menu_viewed', customer_id: ID, occurred_at: AT, properties: { name: NAME, email: EMAIL } },
      { id: 'e2', type: 'order_completed', customer_id: ID, occurred_at: AT, order },
    ] }, { key: 'events' });

    const [list, file] = await Promise.all(['static', 'imported'].map((type) => post('/segments', { name: type, type })));
    await post(`/segments/${list!.answer.id}/members`, { customer_ids: [ID] });
    await imported((await post(`/segments/${file!.answer.id}/import`, `customer_id\n${ID}\n`, { key: 'members', type: 'text/csv' })).answer.id);

    await post('/promos', { code: 'SAVE10', type: 'percentage', value: 10 });
    const checkout = (id: string) => ({ code: 'SAVE10', customer_id: ID, order: { id, items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } });
    const { answer: redemption } = await post('/promos/redemptions', checkout('o2'), { key: 'redemption' });
    await post(`/promos/redemptions/${redemption.id}/rollback`, { reason: `${NAME} asked` });

    // What a bounce leaves.
    await app.sql(`INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, status, next_attempt_at, bounced_at, reason)
      SELECT tenant_id, 1, customer_no, 'email', 'rejected', $2, $2, '550 no such user ' || email FROM customers WHERE customer_id = $1`, [ID, AT]);
    for (const provider of ['sendgrid', 'twilio', 'mailchimp', 'hubspot'] as const) {
      const sender = await WebhookSender.connect(app, provider);
      const event = { email: EMAIL, phone: PHONE, customer_id: ID, timestamp: AT, name: NAME };
      const types = { sendgrid: 'email.opened', twilio: 'sms.delivered', mailchimp: 'unsubscribed', hubspot: 'contact_created' };
      const { body } = await sender.post([{ ...event, event_type: types[provider] }, { ...event, event_type: 'nonsense' }, { email: EMAIL, event_type: types[provider], timestamp: 'never' }]);
      expect(body.received).toBe(3);
    }
    await eventually(async () => expect(await app.sql(`SELECT 1 FROM webhook_events WHERE status = 'pending'`)).toEqual([]));
  };

  test('leaves none of it in any table, the queue’s among them, and lets no request happen twice', async () => {
    await plant();
    expect((await tablesWith([ID])).length).toBeGreaterThan(3);
    expect(await erase()).toBe(204);
    expect(await tablesWith([ID, EMAIL, PHONE, PHONE.slice(1), NAME])).toEqual([]);
    const { answer, replayed } = await post('/customers/batch', BATCH, { key: 'batch' });
    expect([replayed, answer]).toMatchObject(['true', { created: 2, rejected: 1, results: [{ customer_id: 'other' }, { index: 1, customer_id: null, status: 'created' }, { customer_id: null, status: 'rejected' }] }]);
    expect(await erase()).toBe(404);
  });

  test('takes them out of a file that still waits, and out of it alone', async () => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const imports = app.nest.get(Imports, { strict: false });
    imports.target('held', async () => {
      reached.resolve();
      await held.promise;
    });
    await post('/customers/batch', { customers: [{ customer_id: ID, email: EMAIL }] });
    const rows = ['customer_id,email,first_name', ...Array.from({ length: CHUNK }, (_, n) => `first-${n},,`), `${ID},,A`, `,${EMAIL.toUpperCase()},B`, `relative,${EMAIL},C`, `${ID}2,,\u0000`];
    const { id } = await imports.start(await tenantOf(app), { bytes: Readable.from([rows.join('\n')], { objectMode: false }), charset: null }, { name: 'held', ref: '' });
    await reached.promise;
    const status = await erase();
    held.resolve();
    expect(status).toBe(204);
    expect(await imported(id)).toMatchObject({ total_rows: CHUNK + 4, processed: CHUNK + 4, created: CHUNK + 1, rejected: 3 });
    expect(await app.sql('SELECT code FROM import_errors JOIN imports USING (tenant_id, import_no) WHERE import_id = $1 ORDER BY line', [id])).toEqual([{ code: 'customer_erased' }, { code: 'customer_erased' }, { code: 'null_character' }]);
    expect(await erase()).toBe(404);
  });
});

import { Readable } from 'node:stream';
import { Imports } from '#customers';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { SENDER_ENV } from './support/mailings.js';
import { eventually } from './support/eventually.js';
import { WebhookSender } from './support/webhook-sender.js';

const ID = 'unmistakable-id';
const EMAIL = 'unmistakable-address@example.com';
const PHONE = '+14155550199';
const NAME = 'Unmistakable-Name';
const AT = '2026-01-02T00:00:00Z';
const BASE = '/api/v1/marketing';
/** Rows that an import works on at once. */
const CHUNK = 1000;

interface Told {
  profile: { customer_id: string; email: string; merged_customers: unknown[]; consent_history: unknown[]; suppressions: unknown[] };
  events: { events: unknown[]; orders: unknown[] };
  segments: unknown[];
  redemptions: unknown[];
  promo_codes: unknown[];
  deliveries: { messages: { channel: string }[]; hits: unknown[]; conversions: unknown[] };
  webhook_events: { payload: unknown }[];
  provider_contacts: { contacts: unknown[]; told: unknown };
}

describe('erasing a customer whom every write route knows', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true, env: { SMTP_URL: 'smtp://127.0.0.1:9', ...SENDER_ENV } })));
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
  /** Every table that says something under a customer's number, and where the export tells it. */
  const TOLD: Record<string, (data: Told) => unknown> = {
    customers: ({ profile }) => profile.email,
    customer_aliases: ({ profile }) => profile.merged_customers[0],
    consent_log: ({ profile }) => profile.consent_history[0],
    events: ({ events }) => events.events[0],
    orders: ({ events }) => events.orders[0],
    segment_members: ({ segments }) => segments[0],
    promo_redemptions: ({ redemptions }) => redemptions[0],
    promo_customers: ({ redemptions }) => redemptions[0], // how many they are
    promo_codes: ({ promo_codes }) => promo_codes[0],
    campaign_redemptions: ({ redemptions }) => redemptions[0], // the same, of promos that campaigns announced
    deliveries: ({ deliveries }) => deliveries.messages[0],
    merged_deliveries: ({ deliveries }) => deliveries.messages.filter(({ channel }) => channel === 'sms')[1],
    mailing_addresses: ({ deliveries }) => deliveries.messages[0], // a keyed hash of where they went
    delivery_hits: ({ deliveries }) => deliveries.hits[0],
    conversions: ({ deliveries }) => deliveries.conversions[0],
    webhook_contacts: ({ provider_contacts }) => provider_contacts.contacts[0],
    webhook_profiles: ({ provider_contacts }) => provider_contacts.told ?? undefined,
    former_names: ({ profile }) => profile.customer_id, // keyed hashes of addresses
    changed_customers: ({ profile }) => profile.customer_id, // a queue of numbers
  };

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

    const { answer: campaign } = await post('/campaigns', { name: 'Tested', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'Lunch', body: 'Lunch' } });
    await post(`/campaigns/${campaign.id}/test`, { to: [EMAIL] }, { key: 'tested' });

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

    // A duplicate who got the same campaign, and what came of it.
    await post('/customers/batch', { customers: [{ customer_id: `${ID}-old` }] }, { key: 'duplicate' });
    await app.sql(`
      WITH person AS (SELECT tenant_id, customer_no, customer_id = $1 AS survives FROM customers WHERE customer_id IN ($1, $1 || '-old')),
      campaign AS (INSERT INTO mailings (tenant_id, campaign_no, campaign_id, name, type, channels, segment_no, content, priority, state, started_at)
        SELECT tenant_id, 1, 'camp_1', 'One', 'promotion', '{sms}', 1, '{}', 0, 'finished', $2 FROM person WHERE survives),
      sent AS (INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, status, attempts, next_attempt_at) SELECT tenant_id, 1, customer_no, 'sms', 'accepted', 1, $2 FROM person),
      given AS (INSERT INTO promo_codes (tenant_id, code, promo_no, campaign_no, customer_no) SELECT p.tenant_id, 'SAVE10-0123456789AB', p.promo_no, 1, customer_no FROM person JOIN promos p USING (tenant_id) WHERE p.code = 'SAVE10' AND survives),
      contact AS (INSERT INTO webhook_contacts SELECT tenant_id, 'hubspot', 'contact-of-' || $1, customer_no FROM person WHERE survives),
      hit AS (INSERT INTO delivery_hits SELECT tenant_id, customer_no, $2, 1, 'sms', 'open', 0, false FROM person WHERE survives)
      INSERT INTO conversions SELECT tenant_id, 'an order', 1, customer_no, 'open', 20, 20, $2 FROM person WHERE survives`, [ID, AT]);
    await post(`/customers/${ID}/merge`, { from: `${ID}-old` });
  };

  /** Each table that says something under a customer's number is in the list above, and in the export. */
  const assertExported = async () => {
    const { data: answer } = await app.api().GET('/api/v1/marketing/customers/{customer_id}/export', { params: { path: { customer_id: ID } } });
    const data = answer!.data as unknown as Told;
    const tables = await app.sql<{ name: string }>(`
      SELECT relname AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'customer_no' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`);
    expect(tables.map(({ name }) => name)).toEqual(Object.keys(TOLD).sort());
    for (const [table, told] of Object.entries(TOLD)) expect([table, told(data)]).not.toEqual([table, undefined]);
    expect(data.segments).toEqual(expect.arrayContaining(['static', 'imported'].map((name) => expect.objectContaining({ name }) as unknown)));
    expect(data.redemptions).toEqual([expect.objectContaining({ status: 'rolled_back', rollback_reason: `${NAME} asked` })]);
    expect(data.profile.suppressions).toEqual([expect.objectContaining({ channel: 'email', reason: 'unsubscribed' })]);
    expect(data.webhook_events.length).toBeGreaterThan(8);
  };

  test('leaves none of it, all of which the export had told, in any table, the queue’s among them, and lets no request happen twice', async () => {
    await plant();
    expect((await tablesWith([ID])).length).toBeGreaterThan(3);
    await assertExported();
    expect(await erase()).toBe(204);
    expect(await tablesWith([ID, EMAIL, PHONE, PHONE.slice(1), NAME])).toEqual([]);
    const { answer, replayed } = await post('/customers/batch', BATCH, { key: 'batch' });
    expect([replayed, answer]).toMatchObject(['true', { created: 2, rejected: 1, results: [{ customer_id: 'other' }, { index: 1, customer_id: null, status: 'created' }, { customer_id: null, status: 'rejected' }] }]);
    expect(await erase()).toBe(404);
  });

  test('the address stays opted out for a later import; only the person’s own later consent takes that back', async () => {
    const put = (body: object) => app.api().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: ID } }, body });
    const email = 'of-this-test-alone@example.com';
    const consent = async () => (await put({})).data!.consents.email.status;
    await put({ consents: { email: { status: 'unsubscribed', at: AT } } });
    await put({ email }); // opted out before there was an address
    expect(await erase()).toBe(204);
    const rows = `customer_id,email,consents.email.status,consents.email.at\n${ID},${email},subscribed,2026-02-01T00:00:00Z\n`;
    expect(await imported((await post('/customers/import', rows, { type: 'text/csv' })).answer.id)).toMatchObject({ created: 1 });
    expect(await consent()).toBe('unsubscribed');
    await put({ consents: { email: { status: 'subscribed' } } });
    expect(await consent()).toBe('unsubscribed');
    await put({ consents: { email: { status: 'subscribed', at: '2026-02-01T00:00:00Z' } } });
    expect(await consent()).toBe('subscribed');
    expect(await erase()).toBe(204);
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

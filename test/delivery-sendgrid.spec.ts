import { setTimeout as sleep } from 'node:timers/promises';
import { decodeDeliveryId } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSendGrid, type TestSendGrid } from './support/sendgrid.js';
import { newTenant } from './support/tokens.js';

const CHANNELS = '/api/v1/marketing/channels';

describe('sending over SendGrid', () => {
  let sendgrid: TestSendGrid;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    sendgrid = await startSendGrid();
    app = await startApp({ worker: true, env: { SENDGRID_API_KEY: 'SG.the-deployments-own', SENDGRID_API_URL: sendgrid.url, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street\nSpringfield' } });
  });
  afterAll(async () => {
    await app.close();
    await sendgrid.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    sendgrid.calls.length = 0;
    sendgrid.react = () => 'take';
  });
  const statuses = async (mailing: Awaited<ReturnType<Mailings['start']>>) => (await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason]);

  test('a thousand go in one call, and each is told what is theirs', async () => {
    const mailing = await mailings.send(CONTENT, await mailings.crowd(1200), { promoCode: 'FLASH25' });
    expect(sendgrid.calls.length).toBeLessThan(10); // two, unless composing takes longer than a batch may
    const mails = sendgrid.mails();
    expect(new Set(mails.map(({ to }) => to)).size).toBe(1200);
    expect(await mailings.counters(mailing)).toMatchObject({ sent: 1200 });
    const [mail] = mails;
    expect(mail!.subject).toBe('Flash Sale for you');
    expect(mail!.text).toContain('Hello there');
    expect(mail!.html).toMatch(/Code FLASH25.*Shop Now<\/a>/s);
    expect(new Set(mails.map(({ html }) => /\/t\/u\/([\w-]+)/.exec(html)![1])).size).toBe(1200);
    expect(mail!.headers['List-Unsubscribe']).toMatch(/^<http.*\/t\/u\/[\w-]+>$/);
    for (const { body } of sendgrid.calls) {
      expect(body.content.map(({ value }) => value).join()).not.toMatch(/@example\.com/);
      for (const one of body.personalizations) expect(Object.keys(one.custom_args)).toEqual(['delivery_id']);
    }
    const rows = await mailings.ledger(mailing);
    expect(new Set(mails.map(({ deliveryId }) => decodeDeliveryId(deliveryId)!.customerNo))).toEqual(new Set(rows.map((row) => row.customer_no)));
    expect(rows[0]).toMatchObject({ provider: 'sendgrid', provider_message_id: expect.any(String) as string, delivered_at: null });
  });

  test('what one recipient says of themselves is nothing but text to another', async () => {
    await mailings.send(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com', first_name: '[x:body] <b>' }, { id: 'b', email: 'b@example.com', first_name: 'Bob' }]));
    const html = Object.fromEntries(sendgrid.mails().map((mail) => [mail.to, mail.html]));
    expect(html['a@example.com']).toContain('Hello [x:body] &lt;b&gt;,');
    expect(html['b@example.com']).toContain('Hello Bob,');
  });

  test('a message longer than substitutions may be goes alone', async () => {
    await mailings.send({ ...CONTENT, body: `{% if customer.first_name == "Ada" %}${'Words '.repeat(2_000)}The end{% else %}Short{% endif %}` }, await mailings.people([{ id: 'a', email: 'a@example.com', first_name: 'Ada' }, { id: 'b', email: 'b@example.com' }, { id: 'c', email: 'c@example.com' }]));
    expect(sendgrid.calls.map(({ body }) => body.personalizations.length).sort()).toEqual([1, 2]);
    expect(sendgrid.mails().find(({ to }) => to === 'a@example.com')!.html).toContain('The end');
  });

  test('many of those end with the campaign’s pause, and go on after it', async () => {
    const begun: number[] = [];
    sendgrid.react = async () => {
      begun.push(performance.now());
      await sleep(200);
      return 'take' as const;
    };
    const mailing = await mailings.start({ ...CONTENT, body: '{{ customer.customer_id }} '.padEnd(12_000, 'word ') }, await mailings.crowd(160));
    await eventually(() => expect(begun.length).toBeGreaterThan(0));
    await mailings.inTenant((tx) => mailings.delivery.pause(tx, mailings.tenant, mailing.campaignNo));
    const paused = performance.now();
    const sent = await mailings.quiet(mailing);
    expect(begun.filter((at) => at > paused + 1_000)).toEqual([]);
    expect([sent, (await statuses(mailing)).filter(([status]) => status === 'pending').length]).toEqual([begun.length, 160 - begun.length]);
    await mailings.inTenant((tx) => mailings.delivery.resume(tx, mailings.tenant, mailing.campaignNo));
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 20_000 });
    expect([new Set(sendgrid.mails().map(({ to }) => to)).size, sendgrid.calls.length]).toEqual([160, 160]);
    expect((await mailings.ledger(mailing)).every(({ attempts }) => attempts === 1)).toBe(true);
  });

  test('while a refused call is halved, too', async () => {
    const begun: number[] = [];
    sendgrid.react = async ({ personalizations }) => {
      begun.push(performance.now());
      await sleep(400);
      return personalizations.length > 1 ? { status: 400, body: {} } : 'take';
    };
    const mailing = await mailings.start(CONTENT, await mailings.crowd(64));
    await eventually(() => expect(begun.length).toBeGreaterThan(0));
    await mailings.inTenant((tx) => mailings.delivery.pause(tx, mailings.tenant, mailing.campaignNo));
    const paused = performance.now();
    await mailings.quiet(mailing);
    expect(begun.filter((at) => at > paused + 1_000)).toEqual([]);
  });

  test('an address that has the whole call refused keeps nobody else from their mail', async () => {
    sendgrid.react = ({ personalizations }) => (personalizations.some(({ to }) => to[0]!.email === 'poison@example.com') ? { status: 400, body: { errors: [{ message: 'Does not contain a valid address.' }] } } : 'take');
    const customers = await mailings.crowd(200);
    await app.sql(`UPDATE customers SET email = 'poison@example.com' WHERE tenant_id = $1 AND customer_no = $2`, [mailings.tenant.id, customers[76]]);
    const mailing = await mailings.send(CONTENT, customers);
    expect((await statuses(mailing)).filter(([status]) => status !== 'accepted')).toEqual([['rejected', 'sendgrid_400']]);
    expect(new Set(sendgrid.mails().map(({ to }) => to)).size).toBe(199);
    expect(sendgrid.mails()).toHaveLength(199);
  });

  test('what it may have taken is unknown, and never sent again', async () => {
    for (const reaction of ['take and hang up', { status: 500 }, { status: 503 }] as const) {
      sendgrid.react = () => reaction;
      const mailing = await mailings.send(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com' }]));
      expect(await statuses(mailing)).toEqual([['unknown', expect.stringMatching(/^sendgrid_(und_err_socket|econnreset|500|503)$/)]]);
    }
    expect(sendgrid.calls).toHaveLength(1);
  });

  test('what it puts off is sent when it said, not before', async () => {
    sendgrid.react = () => ({ status: 429, headers: { 'retry-after': '120' } });
    const mailing = await mailings.start(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com' }]));
    await eventually(async () => expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'pending', reason: 'sendgrid_429', attempts: 1 }]));
    const [row] = await mailings.ledger(mailing);
    expect((row!.next_attempt_at as Date).getTime() - app.clock.now().getTime()).toBeGreaterThan(100_000);
    sendgrid.react = () => 'take';
    app.clock.advance(10 * 60_000);
    await mailings.finished(mailing);
    expect(sendgrid.calls).toHaveLength(1);
  });

  describe('with a key of the tenant’s own', () => {
    const KEY = 'SG.a-key-of-the-tenants-own';
    const connect = (api_key = KEY, more: object = {}) => app.api(['tenant_admin'], mailings.tenant.name).PUT(`${CHANNELS}/sendgrid`, { body: { api_key, ...more } });

    test('goes over the tenant’s account, and nobody is shown the key', async () => {
      const { data } = await connect(KEY, { max_per_second: 500 });
      expect(data).toEqual({ provider: 'sendgrid', channel: 'email', status: 'connected', in_use: true, connected_at: expect.any(String) as string, max_per_second: 500 });
      await mailings.send(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com' }]));
      expect(sendgrid.calls.map(({ key }) => key)).toEqual([KEY]);
      const { data: list } = await app.api(['marketing'], mailings.tenant.name).GET(CHANNELS);
      expect(JSON.stringify(list)).not.toContain(KEY);
      const stored = await app.sql<{ all: string }>(`SELECT encode(sealed, 'escape') AS all FROM channel_credentials WHERE tenant_id = $1 UNION ALL SELECT audit_log::text FROM audit_log WHERE tenant_id = $1`, [mailings.tenant.id]);
      expect(stored).toHaveLength(2);
      expect(JSON.stringify(stored)).not.toContain(KEY);
    });

    test('uses a new key at once, and the deployment’s again when there is none', async () => {
      const [one, two, three] = await Promise.all(['1', '2', '3'].map((id) => mailings.people([{ id, email: `${id}@example.com` }])));
      await connect();
      await mailings.send(CONTENT, one!);
      await connect(`${KEY}-2`);
      await mailings.send(CONTENT, two!);
      await app.api(['tenant_admin'], mailings.tenant.name).DELETE(`${CHANNELS}/{provider}`, { params: { path: { provider: 'sendgrid' } } });
      await mailings.send(CONTENT, three!);
      expect(sendgrid.calls.map(({ key }) => key)).toEqual([KEY, `${KEY}-2`, 'SG.the-deployments-own']);
    });

    test('that SendGrid does not know pauses the mailing; with the right one it goes on', async () => {
      sendgrid.react = (_, key) => (key === 'SG.no-longer-good' ? { status: 401 } : 'take');
      await connect('SG.no-longer-good');
      const mailing = await mailings.start(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com' }]));
      await eventually(async () => expect(await mailings.state(mailing)).toBe('paused'));
      expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'pending', reason: 'sendgrid_401', attempts: 0 }]);
      await connect();
      await mailings.inTenant((tx) => mailings.delivery.resume(tx, mailings.tenant, mailing.campaignNo));
      await mailings.finished(mailing);
      expect(await statuses(mailing)).toEqual([['accepted', null]]);
    });

    test('is for administrators to give and to take', async () => {
      const api = app.api(['marketing'], mailings.tenant.name);
      expect((await api.PUT(`${CHANNELS}/sendgrid`, { body: { api_key: KEY } })).error).toMatchObject({ status: 403 });
      const admin = app.api(['tenant_admin'], mailings.tenant.name);
      expect((await admin.DELETE(`${CHANNELS}/{provider}`, { params: { path: { provider: 'sendgrid' } } })).error).toMatchObject({ status: 404, code: 'channel_not_found' });
      expect((await admin.PUT(`${CHANNELS}/sendgrid`, { body: { api_key: 'a\nb: c' } })).error).toMatchObject({ status: 400, code: 'validation_failed' });
    });
  });
});

import { Rehearsal } from '#delivery';
import type { TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const SEGMENTS = '/api/v1/marketing/segments';
const content = { ...CONTENT, sms: { body: 'Hi {{ customer.first_name }}' } };

describe('campaigns before they start', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let tenant: string;
  let mailings: Mailings;
  beforeAll(async () => void ({ app, smtp } = await startMailer({ SMTP_MAX_PER_SECOND: '40' })));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, (tenant = newTenant()));
    smtp.recipients.length = 0;
  });

  const api = () => app.api(['marketing'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const settings = async (body: object) => expect((await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: body as never })).response.status).toBe(200);
  const segment = async (body: object = {}) => (await api().POST(SEGMENTS, { body: { name: 'Some', type: 'static', ...body } as never })).data!.id;
  const put = async (segment_id: string, customer_ids: string[]) => expect((await api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id } }, body: { customer_ids } })).response.status).toBe(200);

  async function create(over: object = {}): Promise<string> {
    const { data, error } = await api().POST(PATH, { body: { name: 'Flash Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content, ...over } });
    expect(error).toBeUndefined();
    return data!.id;
  }
  /** How many rows there are that a rehearsal must not add to. */
  const rows = () => app.sql('SELECT (SELECT count(*) FROM deliveries) d, (SELECT count(*) FROM mailings) m, (SELECT count(*) FROM mailing_addresses) a, (SELECT count(*) FROM delivery_hits) h, (SELECT count(*) FROM suppressions) s, (SELECT count(*) FROM pgboss.job WHERE NOT name LIKE \'segment%\') j');

  describe('preview', () => {
    const preview = async (campaign_id: string, customer_id: string) => (await api().POST(`${ONE}/preview`, { ...one(campaign_id), body: { customer_id } }));

    test('each channel’s message as the customer gets it, and whether they would', async () => {
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com', phone: '+14155550101', first_name: 'Ada <b>', consents: { sms: { status: 'subscribed' } } }], tenant);
      const id = await create({ channels: ['email', 'sms', 'push'], promo_code: 'FLASH25', promo_discount_percent: 25 });
      const before = await rows();
      const { data } = await preview(id, 'ada');
      expect(data).toMatchObject({
        customer_id: 'ada',
        messages: [
          { channel: 'email', to: 'ada@example.com', decision: 'send', reason: null, subject: 'Flash Sale for Ada <b>', sms: null, error: null },
          { channel: 'sms', to: '+14155550101', subject: null, html: null, sms: { encoding: 'gsm7', segments: 1 }, error: null },
          { channel: 'push', to: null, decision: 'skip', reason: 'no_address', subject: 'Flash Sale for Ada <b>', url: 'https://order.example.com?promo=FLASH25', error: null },
        ],
      });
      const [email, sms] = data!.messages;
      expect(email!.html).toContain('Hello Ada &lt;b&gt;');
      expect(email!.html).toContain('href="https://order.example.com?promo=FLASH25"');
      expect(email!.text).toContain('Code FLASH25.');
      expect(sms!.text).toBe('Hi Ada <b>\nShop Now: https://order.example.com?promo=FLASH25\nReply STOP to opt out.');
      const own = [...email!.html!.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => new URL(url!)).filter(({ hostname }) => hostname !== 'order.example.com');
      expect(own.length).toBeGreaterThan(1);
      for (const { pathname: path } of own) expect((await app.fetch(path)).status).toBe(404); // no live link
      expect(await rows()).toEqual(before);
    });

    test('after a change it shows the change; who opted out, and what cannot be written, say so', async () => {
      await addCustomers(app, [{ id: 'ben', email: 'ben@example.com', attributes: { n: 10_000_000 }, consents: { email: { status: 'unsubscribed' } } }], tenant);
      const id = await create();
      await preview(id, 'ben');
      await api().PATCH(ONE, { ...one(id), body: { content: { subject: 'Changed', body: '{% for i in (1..customer.attributes.n) %}{{ i }}{% endfor %}' } } });
      expect((await preview(id, 'ben')).data!.messages).toMatchObject([{ decision: 'skip', reason: 'no_consent', subject: null, error: 'template_limit_exceeded' }]);
      expect((await preview(id, 'nobody')).error).toMatchObject({ status: 404, code: 'customer_not_found' });
      expect((await preview('camp_nothing', 'ben')).error).toMatchObject({ status: 404, code: 'campaign_not_found' });
    });
  });

  describe('test sends', () => {
    const send = async (campaign_id: string, body: object) => (await api().POST(`${ONE}/test`, { ...one(campaign_id), body: body as never }));

    test('go out now, say that they are tests, and are counted nowhere', async () => {
      await addCustomers(app, [{ id: 'ada', email: 'ada@example.com', first_name: 'Ada' }], tenant);
      const list = await segment();
      await put(list, ['ada']);
      const id = await create({ segment_id: list });
      const before = await rows();
      const { data } = await send(id, { to: ['Chef@Example.com', 'ada@example.com'], customer_id: 'ada' });
      expect(data).toEqual({ results: ['chef@example.com', 'ada@example.com'].map((to) => ({ to, status: 'accepted', reason: null, provider_message_id: expect.any(String) })) });
      expect(smtp.recipients).toEqual(expect.arrayContaining(['chef@example.com', 'ada@example.com']));
      expect(await smtp.mailTo('chef@example.com')).toMatchObject({ subject: '[Test] Flash Sale for Ada' });
      expect(await rows()).toEqual(before);
      await api().POST(`${ONE}/start`, one(id)); // and they are nobody's delivery
      await eventually(async () => expect((await api().GET(ONE, one(id))).data).toMatchObject({ status: 'completed', metrics: { sent: 1 } }));
    });

    test('suppressed addresses are refused, and nothing is sent then', async () => {
      await mailings.suppress('gone@example.com', 'hard_bounce');
      const id = await create();
      expect((await send(id, { to: ['fine@example.com', 'Gone@example.com'] })).error).toMatchObject({ status: 422, code: 'address_suppressed', errors: [{ pointer: '/to/1' }] });
      expect((await send(id, { to: ['fine@example.com', 'what'] })).error).toMatchObject({ status: 400, errors: [{ pointer: '/to/1', code: 'invalid_address' }] });
      const all = await create({ channels: ['email', 'sms', 'push'] });
      expect((await send(all, { to: ['+14155550101'], channel: 'sms' })).error).toMatchObject({ status: 409, code: 'channel_not_configured' });
      expect((await send(all, { to: ['x'], channel: 'push' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/channel', code: 'no_address' }] });
      expect((await send(id, { to: ['+14155550101'], channel: 'sms' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/channel', code: 'not_in_campaign' }] });
      expect((await send(id, { to: Array.from({ length: 11 }, (_, at) => `a${at}@example.com`) })).error).toMatchObject({ status: 400, errors: [{ pointer: '/to' }] });
      expect((await send(await create({ content: { body: 'x' } }), { to: ['fine@example.com'] })).error).toMatchObject({ status: 409, code: 'invalid_state' });
      expect(smtp.recipients).toEqual([]);
    });

    test('what the server refuses is told', async () => {
      smtp.refuse = (address) => (address === 'full@example.com' ? { responseCode: 550, message: 'No such user' } : undefined);
      expect((await send(await create(), { to: ['full@example.com', 'fine@example.com'] })).data!.results).toMatchObject([{ status: 'rejected', reason: expect.stringContaining('550') }, { status: 'accepted' }]);
      smtp.refuse = undefined;
    });
  });

  describe('test sends under way', () => {
    const send = (campaign_id: string, to: string[], key?: string) => api().POST(`${ONE}/test`, { ...one(campaign_id), body: { to }, headers: { ...(key && { 'idempotency-key': key }) } });
    const answer = () => Promise.withResolvers<void>();
    afterEach(() => void (smtp.beforeReply = undefined));

    test('a repeat under the same key sends nothing: it is told that the first is under way, or what became of it', async () => {
      const [came, said] = [answer(), answer()];
      smtp.beforeReply = () => (came.resolve(), said.promise);
      const id = await create();
      const first = send(id, ['chef@example.com'], 'once');
      await came.promise;
      expect((await send(id, ['chef@example.com'], 'once')).error).toMatchObject({ status: 409, code: 'idempotency_in_flight' });
      expect((await send(id, ['cook@example.com'], 'once')).error).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
      await app.sql(`UPDATE idempotency_keys SET pending_until = now() WHERE key = 'once'`); // as it is a minute after a worker was lost
      expect((await send(id, ['chef@example.com'], 'once')).data).toEqual({ results: [{ to: 'chef@example.com', status: 'unknown', reason: 'worker_lost', provider_message_id: null }] });
      said.resolve();
      const { data } = await first;
      expect(data!.results).toMatchObject([{ status: 'accepted' }]);
      const again = await send(id, ['chef@example.com'], 'once');
      expect([again.data, again.response.headers.get('idempotency-replayed'), smtp.recipients]).toEqual([data, 'true', ['chef@example.com']]);
    });

    test('one that had no effect may be repeated under its key', async () => {
      const id = await create({ content: { body: 'x' } });
      expect((await send(id, ['chef@example.com'], 'mended')).error).toMatchObject({ code: 'invalid_state' });
      await api().PATCH(ONE, { ...one(id), body: { content } });
      expect((await send(id, ['chef@example.com'], 'mended')).data).toMatchObject({ results: [{ status: 'accepted' }] });
    });

    test('who does not answer keeps nobody waiting for what others said', async () => {
      const said = answer();
      smtp.beforeReply = (to) => (to === 'slow@example.com' ? said.promise : undefined);
      const rehearsal = app.nest.get(Rehearsal, { strict: false });
      const { patienceMs } = rehearsal;
      rehearsal.patienceMs = 3_000;
      const { data } = await send(await create(), ['slow@example.com', 'fine@example.com']);
      rehearsal.patienceMs = patienceMs;
      said.resolve();
      expect(data!.results).toMatchObject([{ status: 'unknown', reason: 'no_answer' }, { status: 'accepted' }]);
    });
  });

  describe('preflight', () => {
    const preflight = async (campaign_id: string) => (await api().POST(`${ONE}/preflight`, one(campaign_id))).data!;

    test('sums up, and the campaign then does what it foretold', async () => {
      await settings({ frequency_cap: { max: 1, per_days: 7 } });
      const [list, out] = [await segment(), await segment({ name: 'Out' })];
      const ids = (kind: string, size: number) => Array.from({ length: size }, (_, at) => `${kind}-${at}`);
      const groups = { plain: 60, out: 3, none: 4, left: 5, dead: 6, had: 7, twin: 8 };
      for (const [kind, size] of Object.entries(groups)) {
        await addCustomers(app, ids(kind, size).map((id, at) => ({
          id,
          email: kind === 'none' ? null : kind === 'twin' ? `twin-${at % 4}@example.com` : `${id}@example.com`,
          first_name: at % 3 === 0 ? null : 'Ada',
          ...(kind === 'left' && { consents: { email: { status: 'unsubscribed' as const } } }),
        })), tenant);
      }
      for (const id of ids('dead', 6)) await mailings.suppress(`${id}@example.com`, 'hard_bounce');
      await put(out, [...ids('out', 3)]);
      const had = await segment({ name: 'Had' });
      await put(had, ids('had', 7));
      const first = await create({ segment_id: had });
      await api().POST(`${ONE}/start`, one(first));
      await eventually(async () => expect((await api().GET(ONE, one(first))).data).toMatchObject({ status: 'completed' }));
      await put(list, Object.entries(groups).flatMap(([kind, size]) => ids(kind, size)));
      const rival = await create({ segment_id: had, schedule: { start_date: new Date(app.clock.now().getTime() + 86_400_000).toISOString() } });

      const id = await create({ segment_id: list, exclude_segment_ids: [out], holdout_percent: 30, content: { subject: '{{ customer.first_name }} {{ customer.frist_name }}', body: '{{ promo_code }} {{ customer.last_name | default: "x" }}' } });
      const before = await rows();
      const told = await preflight(id);
      expect(await rows()).toEqual(before);
      const [channel] = told.channels;
      const skipped = Object.fromEntries(channel!.skipped.map(({ reason, customers }) => [reason, customers]));
      expect(channel!.audience).toBe(93);
      expect(channel!.sendable + channel!.skipped.reduce((sum, { customers }) => sum + customers, 0)).toBe(93);
      expect(skipped).toMatchObject({ excluded: 3, no_address: 4, no_consent: 5, suppressed: 6, frequency_cap: 7 });
      expect(skipped.holdout).toBeGreaterThan(5);
      expect(channel).toMatchObject({ messages_per_second: 40, expected_seconds: Math.ceil(channel!.sendable / 40), expected_finish: expect.any(String), sms: null });
      const writable = channel!.sendable + (skipped.duplicate_address ?? 0);
      expect(channel!.missing_fields).toEqual([{ field: 'customer.first_name', customers: expect.any(Number) }, { field: 'customer.frist_name', customers: writable }, { field: 'promo_code', customers: writable }]);
      expect(told.overlaps).toEqual([{ campaign_id: rival, name: 'Flash Sale', status: 'scheduled', customers: 7 }]);
      expect(told.warnings).toEqual([]);

      await api().POST(`${ONE}/start`, one(id));
      await eventually(async () => expect((await api().GET(ONE, one(id))).data).toMatchObject({ status: 'completed' }), { within: 20_000 });
      const ledger = await app.sql<{ what: string; customers: number }>(`SELECT coalesce(reason, status) AS what, count(*)::int AS customers FROM deliveries d JOIN mailings m USING (tenant_id, campaign_no) WHERE m.campaign_id = $1 GROUP BY 1`, [id]);
      const { excluded: _, ...rest } = skipped;
      expect(Object.fromEntries(ledger.map(({ what, customers }) => [what, customers]))).toEqual({ accepted: channel!.sendable, ...rest });
    });

    test('text messages: consent is needed, and their segments are counted as they will be written', async () => {
      await addCustomers(app, Array.from({ length: 6 }, (_, at) => ({
        id: `c${at}`, phone: `+1415555010${at}`, first_name: at === 0 ? 'Łucja' : at === 1 ? 'A'.repeat(180) : 'Ada', consents: { sms: { status: at < 5 ? ('subscribed' as const) : ('unsubscribed' as const) } },
      })), tenant);
      const list = await segment();
      await put(list, ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
      const id = await create({ channels: ['sms'], segment_id: list, content: { body: 'Hi {{ customer.first_name }}' } });
      const told = await preflight(id);
      expect(told).toMatchObject({
        channels: [{ channel: 'sms', audience: 6, sendable: 5, skipped: [{ reason: 'no_consent', customers: 1 }], sms: { sampled: 5, ucs2: 1, most_segments: 2, expected_segments: 6, expected_cost: null }, messages_per_second: null, expected_finish: null }],
        warnings: [{ code: 'channel_not_configured' }],
      });
      for (const [currency, price, amount] of [['USD', 0.0075, 0.05], ['JPY', 1.4, 8], ['KWD', 0.0125, 0.075]] as const) {
        await settings({ currency, sms_price_per_segment: price });
        expect((await preflight(id)).channels[0]!.sms!.expected_cost).toEqual({ amount, currency });
      }
    });

    test('a transactional message needs no consent, and knows no cap; nobody who complained gets it', async () => {
      await settings({ frequency_cap: { max: 1, per_days: 7 } });
      await addCustomers(app, [{ id: 'left', email: 'left@example.com', consents: { email: { status: 'unsubscribed' } } }, { id: 'dead', email: 'dead@example.com' }, { id: 'cross', email: 'cross@example.com' }], tenant);
      await mailings.suppress('dead@example.com', 'hard_bounce');
      await mailings.suppress('cross@example.com', 'complaint');
      const list = await segment();
      await put(list, ['left', 'dead', 'cross']);
      expect((await preflight(await create({ type: 'transactional', segment_id: list }))).channels).toMatchObject([{ sendable: 1, skipped: [{ reason: 'suppressed', customers: 2 }] }]);
    });

    test('an audience of several pages: the first and the last of each are suppressed, and nobody beside them', async () => {
      const [page, size] = [10_000, 20_003];
      const spots = [1, page, page + 1, 2 * page, 2 * page + 1, size];
      const beside = [2, page - 1, page + 2, 2 * page - 1, 2 * page + 2];
      // Every third number, as where others were erased or are not in the segment. Whoever is beside has opted out, which is told first: a bit that went astray would be missed.
      await app.sql(
        `INSERT INTO customers (tenant_id, customer_no, customer_id, email, consent_email, created_at, updated_at)
         SELECT $1, n * 3 - d, 'c' || n || '/' || d, 'page' || n || '-' || d || '@example.com', CASE WHEN d > 0 OR n = ANY ($3::int[]) THEN 'unsubscribed' ELSE 'unknown' END, now(), now() FROM generate_series(1, $2::int) n, generate_series(0, 2) d`,
        [mailings.tenant.id, size, beside],
      );
      for (const spot of spots) await mailings.suppress(`page${spot}-0@example.com`, 'complaint');
      const segment_id = await mailings.segmentId(Array.from({ length: size }, (_, at) => 3 * (at + 1)));
      expect((await preflight(await create({ segment_id }))).channels).toMatchObject([
        { audience: size, sendable: size - spots.length - beside.length, skipped: [{ reason: 'no_consent', customers: beside.length }, { reason: 'suppressed', customers: spots.length }] },
      ]);
    });

    test('nobody at all, no content, another tenant’s', async () => {
      const id = await create({ segment_id: await segment(), content: null });
      expect(await preflight(id)).toMatchObject({ channels: [{ audience: 0, sendable: 0, skipped: [], expected_seconds: 0 }], overlaps: [], warnings: [{ code: 'content_missing' }, { code: 'content_missing' }] });
      for (const action of ['preflight', 'preview', 'test'] as const) {
        const body = { preview: { customer_id: 'ada' }, test: { to: ['a@example.com'] }, preflight: undefined }[action];
        expect((await app.api(['marketing'], newTenant()).POST(`${ONE}/${action}`, { ...one(id), body: body as never })).error).toMatchObject({ status: 404, code: 'campaign_not_found' });
      }
    });
  });

  test('a duplicate is a draft with all that was asked for but its dates', async () => {
    const out = await segment();
    const asked = { exclude_segment_ids: [out], send_window: { start: '09:00', end: '17:00' }, holdout_percent: 5, priority: 3, stop_rules: { bounce_rate: 5, complaint_rate: null, promo_budget: false } };
    const id = await create({ ...asked, schedule: { start_date: new Date(app.clock.now().getTime() + 86_400_000).toISOString(), local_time: true } });
    const { data, response } = await api().POST(`${ONE}/duplicate`, one(id));
    expect(response.status).toBe(201);
    expect(data).toMatchObject({ ...asked, status: 'draft', name: 'Flash Sale (copy)', delivery_mode: 'broadcast', schedule: { start_date: null, end_date: null, local_time: true }, content: { subject: CONTENT.subject } });
    expect(data!.id).not.toBe(id);
  });

  test('what left out a segment that is gone is duplicated all the same; the copy starts once it is told whom to leave out', async () => {
    const [out, gone] = [await segment(), await segment()];
    const id = await create({ segment_id: await segment(), exclude_segment_ids: [out, gone] });
    expect((await api().DELETE(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: gone } } })).response.status).toBe(204);
    const { data, response } = await api().POST(`${ONE}/duplicate`, one(id));
    expect([response.status, data?.exclude_segment_ids]).toEqual([201, [out, gone]]);
    const start = () => api().POST(`${ONE}/start`, one(data!.id));
    expect((await start()).error).toMatchObject({ status: 404, code: 'segment_not_found', errors: [{ pointer: '/exclude_segment_ids/1' }] });
    await api().PATCH(ONE, { ...one(data!.id), body: { exclude_segment_ids: [out] } });
    expect((await start()).response.status).toBe(200);
  });
});

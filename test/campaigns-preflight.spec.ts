import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { Mailings, SENDER_ENV, textAtAnyHour } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';
import { startTwilio, type TestTwilio } from './support/twilio.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const SEGMENTS = '/api/v1/marketing/segments';

describe('what a preflight tells is what happens', () => {
  let smtp: TestSmtp;
  let twilio: TestTwilio;
  let app: TestApp;
  let tenant: string;
  beforeAll(async () => {
    [smtp, twilio] = [await startSmtp(), await startTwilio()];
    const texts = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(31)}1`, TWILIO_AUTH_TOKEN: 'a-token', TWILIO_API_URL: twilio.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` };
    app = await startApp({ worker: true, env: { SMTP_URL: smtp.url, ...SENDER_ENV, ...texts } });
  });
  afterAll(async () => {
    await app.close();
    await Promise.all([smtp.close(), twilio.close()]);
  });
  beforeEach(() => {
    tenant = newTenant();
    twilio.messages.length = 0;
  });

  const api = () => app.api(['marketing'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  /** Guests whom everything reaches, in a segment. @returns its id */
  async function guests(count: number, more: (n: number) => object = () => ({})): Promise<string> {
    const ids = Array.from({ length: count }, (_, n) => `g${n}`);
    await addCustomers(app, ids.map((id, n) => ({ id, email: `${id}@example.com`, phone: `+4179100${String(n).padStart(4, '0')}`, consents: { sms: { status: 'subscribed' } }, ...more(n) })), tenant);
    const { data } = await api().POST(SEGMENTS, { body: { name: 'Guests', type: 'static' } });
    await put(data!.id, ids);
    return data!.id;
  }
  const put = async (segment_id: string, customer_ids: string[]) => expect((await api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id } }, body: { customer_ids } })).response.status).toBe(200);

  async function create(segment_id: string, over: object = {}): Promise<string> {
    const { data, error } = await api().POST(PATH, { body: { name: 'Lunch', type: 'promotion', segment_id, channels: ['email'], content: { subject: 'Lunch', body: 'Come' }, ...over } });
    expect(error).toBeUndefined();
    return data!.id;
  }
  const preview = async (id: string) => (await api().POST(`${ONE}/preview`, { ...one(id), body: { customer_id: 'g0' } })).data!.messages;
  const preflight = async (id: string) => (await api().POST(`${ONE}/preflight`, one(id))).data!;

  const start = async (id: string) => expect((await api().POST(`${ONE}/start`, one(id))).response.status).toBe(200);
  /** Starts it, and waits until all of it is settled. */
  async function run(id: string): Promise<void> {
    await start(id);
    await eventually(async () => expect((await api().GET(ONE, one(id))).data).toMatchObject({ status: 'completed' }));
  }

  /** 104 letters of GSM 7-bit: with a tracked link and the way out they no longer fit into one message. */
  const body = 'Today we have the soup that you liked so much, with bread from our own oven, and a glass of wine for all';
  const content = { body, cta_text: 'See', cta_url: 'https://sh.ex/a' };

  test.each([
    ['a call to action', content],
    ['a link in the body', { body: `${body} https://sh.ex/a` }],
    ['a way to unsubscribe', { body: `${body} {{ unsubscribe_url }}` }],
    ['a link that is longer than the one that is tracked', { ...content, cta_url: `https://sh.ex/${'a'.repeat(246)}` }],
  ])('text messages are counted as they go out: %s', async (_, content) => {
    await textAtAnyHour(app, tenant);
    const id = await create(await guests(3), { channels: ['sms'], content });
    const [[shown], told] = [await preview(id), await preflight(id)];
    await run(id);
    const sent = twilio.messages.map(({ form }) => form.Body!);
    const segments = sent.map((text) => (text.length <= 160 ? 1 : Math.ceil(text.length / 153)));
    expect(sent).toHaveLength(3);
    expect(shown!.sms).toEqual({ encoding: 'gsm7', segments: segments[0] });
    expect(told.channels[0]!.sms).toMatchObject({ sampled: 3, most_segments: Math.max(...segments), expected_segments: segments.reduce((sum, count) => sum + count, 0) });
    for (const url of shown!.text!.match(/http:\S+/g) ?? []) expect((await app.fetch(new URL(url).pathname)).status).toBe(404); // nothing that is shown is a live link
  });

  const settings = async (body: object) => expect((await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: body as never })).response.status).toBe(200);
  /** What a channel's forecast comes to, as the ledger would count it. */
  const foretold = async (id: string) =>
    (await preflight(id)).channels.map(({ channel, sendable, skipped }) => [channel, Object.fromEntries([['accepted', sendable], ...skipped.map(({ reason, customers }) => [reason, customers])].filter(([, customers]) => customers !== 0))]);
  const ledger = async (id: string) => {
    const rows = await app.sql<{ channel: string; what: string; customers: number }>(`SELECT channel, coalesce(reason, status) AS what, count(*)::int AS customers FROM deliveries d JOIN mailings m USING (tenant_id, campaign_no) WHERE m.campaign_id = $1 GROUP BY 1, 2`, [id]);
    return [...Map.groupBy(rows, ({ channel }) => channel)].map(([channel, some]) => [channel, Object.fromEntries(some.map(({ what, customers }) => [what, customers]))]);
  };

  test('a window that lies in quiet hours is one in which nobody is written to, but for what they would be told first', async () => {
    await settings({ quiet_hours: { email: { from: '22:30', to: '07:15' } } });
    const id = await create(await guests(5, (n) => (n === 0 ? { email: null } : {})), { channels: ['email', 'sms'], send_window: { start: '23:00', end: '06:00' } });
    const told = await foretold(id);
    expect(told[0]).toEqual(['email', { no_address: 1, window_missed: 4 }]);
    const mails = await create((await api().GET(ONE, one(id))).data!.segment_id, { send_window: { start: '23:00', end: '06:00' } });
    await run(mails);
    expect(await ledger(mails)).toEqual([told[0]]);
    expect(await foretold(await create((await api().GET(ONE, one(id))).data!.segment_id, { type: 'transactional', send_window: { start: '23:00', end: '06:00' } }))).toEqual([['email', { accepted: 4, no_address: 1 }]]);
  });

  test('under a cap a campaign’s channels count together, for each customer', async () => {
    await settings({ frequency_cap: { max: 2, per_days: 7 }, quiet_hours: { email: null, sms: null } });
    const more = (n: number) => [{}, {}, { email: null }, { phone: null }, { consents: { email: { status: 'unsubscribed' }, sms: { status: 'subscribed' } } }, { email: 'dead@example.com' }, {}][n] ?? {};
    const segment = await guests(30, more); // so many that the draw of who is held out leaves somebody whom the cap stops
    await (await Mailings.of(app, tenant)).suppress('dead@example.com', 'hard_bounce');
    const had = (await api().POST(SEGMENTS, { body: { name: 'Had', type: 'static' } })).data!.id;
    await put(had, Array.from({ length: 29 }, (_, n) => `g${n}`)); // the last may get both
    const first = await create(had, { type: 'promotion', channels: ['sms'] });
    await run(first);
    const id = await create(segment, { channels: ['email', 'sms'], holdout_percent: 20 });
    const told = await foretold(id);
    await start(id);
    const busy = `SELECT FROM deliveries d JOIN mailings m USING (tenant_id, campaign_no) WHERE m.campaign_id = $1 AND status IN ('pending', 'claimed', 'calling') AND (status <> 'pending' OR reason IS DISTINCT FROM 'others_first')`;
    await eventually(async () => {
      if ((await app.sql(busy, [id])).length === 0) app.clock.advance(31_000); // one channel's message waits for what becomes of the other's
      expect((await api().GET(ONE, one(id))).data).toMatchObject({ status: 'completed' });
    });
    const all = (of: unknown[][]) => (reason: string) => of.reduce((sum, [, counts]) => sum + ((counts as Record<string, number>)[reason] ?? 0), 0);
    const reasons = ['accepted', 'frequency_cap', 'no_address', 'no_consent', 'suppressed', 'holdout'];
    const came = await ledger(id);
    expect(reasons.map(all(told))).toEqual(reasons.map(all(came))); // which of two channels has room for somebody is chance
    expect(all(told)('frequency_cap')).toBeGreaterThan(0);
  });

  test('a continuous campaign writes to nobody who is in already', async () => {
    const id = await create(await guests(3), { delivery_mode: 'continuous' });
    expect(await foretold(id)).toEqual([['email', { already_in_segment: 3 }]]);
  });

  test.each([
    ['a text of more than Twilio takes', 'sms', 'message_too_long', { body: `{{ customer.attributes.note }} {{ customer.attributes.note }}` }],
    ['an email of more than is shown', 'email', 'email_too_large', { subject: 'Lunch', body: '{% for i in (1..100) %}{{ customer.attributes.note }}{% endfor %}' }],
    ['a template without end', 'email', 'template_limit_exceeded', { subject: 'Lunch', body: '{% if customer.attributes.note %}{% for i in (1..10000000) %}{{ i }}{% endfor %}{% endif %}' }],
  ])('what would be refused for some is told beforehand: %s', async (_, channel, reason, content) => {
    await textAtAnyHour(app, tenant);
    const id = await create(await guests(6, (n) => (n < 2 ? { attributes: { note: 'y'.repeat(1_000) } } : {})), { channels: [channel], content });
    const told = await foretold(id);
    expect(await preview(id)).toMatchObject([{ decision: 'send', error: reason }]);
    await run(id);
    expect(told).toEqual([[channel, { accepted: 4, [reason]: 2 }]]);
    expect(await ledger(id)).toEqual(told);
  });

  test('whatever a start would be refused with is told before; of a campaign that is over there is nothing to tell', async () => {
    const segment = await guests(2);
    const gone = (await api().POST(SEGMENTS, { body: { name: 'Out', type: 'static' } })).data!.id;
    const id = await create(segment, { exclude_segment_ids: [gone] });
    await api().DELETE(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: gone } } });
    await settings({ max_segment_size: { email: 1 } });
    expect((await preflight(id)).warnings).toEqual([
      { code: 'segment_not_found', detail: `There is no segment ${gone} to leave out.` },
      { code: 'segment_too_large', detail: 'The segment has 2 customers; email takes 1.' },
    ]);
    await settings({ max_segment_size: { email: 10 } });
    await api().PATCH(ONE, { ...one(id), body: { exclude_segment_ids: null } });
    expect((await preflight(id)).warnings).toEqual([]);
    await run(id);
    expect((await api().POST(`${ONE}/preflight`, one(id))).error).toMatchObject({ status: 409, code: 'invalid_state', allowed_from: ['draft', 'scheduled', 'active', 'paused'] });
  });
});

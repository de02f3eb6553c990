import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { SENDER_ENV } from './support/mailings.js';
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

  /** Starts it, and waits until all of it is settled. */
  async function run(id: string): Promise<void> {
    expect((await api().POST(`${ONE}/start`, one(id))).response.status).toBe(200);
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
});

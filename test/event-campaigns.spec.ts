import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';
import { newTenant } from './support/tokens.js';

const ONE = '/api/v1/marketing/campaigns/{campaign_id}';
const SENDER = { from_email: 'hello@trattoria.example', postal_address: '1 Main Street' };

describe('what subscribers are told of campaigns', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let subscriber: Subscriber;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({ worker: true, env: { SMTP_URL: smtp.url, ...OPEN_ENV } });
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    smtp.beforeReply = undefined;
    mailings = await Mailings.of(app, newTenant());
    await settings(SENDER);
  });
  afterEach(() => subscriber.receiver.close());

  const api = () => app.api(['tenant_admin'], mailings.tenant.name);
  const settings = async (sender: object) => expect((await api().PATCH('/api/v1/marketing/settings', { body: { sender } as never })).response.status).toBe(200);
  const subscribe = async (...events: string[]) => void (subscriber = await Subscriber.of(app, events, { tenant: mailings.tenant.name }));
  const campaign = async (segment_id: string): Promise<{ params: { path: { campaign_id: string } } }> => {
    const { data } = await api().POST('/api/v1/marketing/campaigns', { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id, content: { subject: 'Hello', body: 'Hello' } } });
    return { params: { path: { campaign_id: data!.id } } };
  };
  const moves = (count: number) => eventually(() => {
    expect(subscriber.messages).toHaveLength(count);
    return subscriber.messages.map(({ body }) => [body.type, body.data]);
  });

  test('each of their moves, by whoever it was', async () => {
    await subscribe('campaign.started', 'campaign.paused', 'campaign.resumed', 'campaign.completed', 'campaign.canceled');
    const segment = await mailings.segmentId(await mailings.people([{ id: 'ann', email: 'ann@example.com' }]));
    const held = Promise.withResolvers<void>();
    smtp.beforeReply = () => held.promise;
    const one = await campaign(segment);
    const told = (status: string, reason: unknown = null) => ({ campaign_id: one.params.path.campaign_id, name: 'Sale', status, reason });
    await api().POST(`${ONE}/start`, one);
    await moves(1);
    await api().POST(`${ONE}/pause`, one);
    await moves(2);
    await api().PATCH(ONE, { ...one, body: { name: 'Sale' } }); // which is none
    await api().POST(`${ONE}/resume`, one);
    await moves(3);
    held.resolve();
    expect(await moves(4)).toEqual([['campaign.started', told('active')], ['campaign.paused', told('paused')], ['campaign.resumed', told('active')], ['campaign.completed', told('completed')]]);

    const other = await campaign(segment);
    await api().POST(`${ONE}/schedule`, { ...other, body: { start_date: new Date(app.clock.now().getTime() + 3_600_000).toISOString() } });
    await api().POST(`${ONE}/cancel`, other);
    expect((await moves(5))[4]).toEqual(['campaign.canceled', { ...told('completed'), ...other.params.path }]);
  });

  test('why one was paused that could not go on', async () => {
    await subscribe('campaign.paused');
    const one = await campaign(await mailings.segmentId(await mailings.crowd(150))); // more than a worker takes at once
    smtp.beforeReply = () => (smtp.beforeReply = undefined, settings({ from_email: null, postal_address: null }));
    await api().POST(`${ONE}/start`, one);
    const [[, data]] = (await moves(1)) as [[string, object]];
    expect(data).toMatchObject({ status: 'paused', reason: { code: 'sender_not_configured', detail: 'The settings lack sender.from_email and sender.postal_address.' } });
  });

  test('what bounced and what was complained of, each message once', async () => {
    await subscribe('delivery.bounced', 'delivery.complained', 'customer.unsubscribed');
    const [ann, bob] = (await mailings.named('ann', 'bob')) as [number, number];
    const mailing = await mailings.send(CONTENT, [ann, bob]);
    await Promise.all([mailings.receive(mailing, ann, 'bounced'), mailings.receive(mailing, ann, 'bounced')]);
    await mailings.receive(mailing, ann, 'bounced');
    await mailings.receive(mailing, bob, 'complained');
    await mailings.receive(mailing, bob, 'complained');
    const told = new Map((await moves(3)) as [string, { deliveries: object[]; customers: object[] }][]);
    const entry = (customer_id: string) => ({ customer_id, campaign_id: mailing.campaignId, delivery_id: expect.stringMatching(/^dlv_/) as string, channel: 'email', at: expect.any(String) as string });
    expect(told.get('delivery.bounced')).toEqual({ deliveries: [{ ...entry('ann'), permanent: true }] });
    expect(told.get('delivery.complained')).toEqual({ deliveries: [entry('bob')] });
    expect(told.get('customer.unsubscribed')).toEqual({ customers: [{ customer_id: 'bob', channel: 'email', at: expect.any(String) as string }] });
  });
});

import { encodeDeliveryId, type Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

const DEPLOYMENT_SECRET = 'the deployment has an account of its own';

interface Sent {
  tenant: string;
  mailings: Mailings;
  mailing: Mailing;
  /** Delivery ids of a and b. */
  deliveries: [string, string];
}

describe('webhook events about messages', () => {
  let smtp: TestSmtp;
  let app: TestApp;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({
      worker: true,
      env: { SMTP_URL: smtp.url, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street', WEBHOOK_SECRET_SENDGRID: DEPLOYMENT_SECRET },
    });
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });

  /** A campaign that went out to a@example.com and b@example.com of a new tenant. */
  const send = async (): Promise<Sent> => {
    const tenant = newTenant();
    const mailings = await Mailings.of(app, tenant);
    const numbers = await mailings.people([{ id: 'a', email: 'a@example.com' }, { id: 'b', email: 'b@example.com' }]);
    const mailing = await mailings.start(CONTENT, numbers);
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'));
    const [a, b] = numbers.map((customerNo) => encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' })) as [string, string];
    return { tenant, mailings, mailing, deliveries: [a, b] };
  };
  const deployment = () => new WebhookSender(app, '/api/v1/marketing/webhooks/sendgrid', DEPLOYMENT_SECRET);
  const statuses = async (tenant: string) =>
    (await app.sql<{ status: string }>(`SELECT status FROM webhook_events e JOIN tenants t ON t.id = e.tenant_id WHERE t.name = $1 ORDER BY item_no, e.id`, [tenant])).map((row) => row.status);

  test('move the campaign’s metrics, each once, right after the post', async () => {
    const { tenant, mailings, mailing, deliveries } = await send();
    const sender = await WebhookSender.connect(app, 'sendgrid', tenant);
    const at = app.clock.now().toISOString();
    const batch = [
      { event_type: 'email.delivered', delivery_id: deliveries[0], timestamp: at },
      { event_type: 'email.opened', email: 'A@example.com', campaign_id: mailing.campaignId, timestamp: at },
      { event_type: 'email.clicked', customer_id: 'a', campaign_id: mailing.campaignId, url: 'https://order.example.com', timestamp: at },
      { event_type: 'unsubscribed', delivery_id: deliveries[1], timestamp: at },
      { event_type: 'email.opened', email: 'stranger@example.com', campaign_id: mailing.campaignId, timestamp: at },
    ];
    expect((await sender.post(batch)).body).toEqual({ received: 5, accepted: 5, duplicates: 0 });
    await eventually(async () => expect(await mailings.counters(mailing)).toMatchObject({ sent: 2, delivered: 2, opened: 1, clicked: 1, unsubscribed: 1 }), { within: 3000 });
    expect((await sender.post(batch)).body).toEqual({ received: 5, accepted: 0, duplicates: 5 });
    expect((await statuses(tenant)).sort()).toEqual([...Array(5).fill('duplicate'), ...Array(4).fill('processed'), 'unmatched']);
    expect(await mailings.counters(mailing)).toMatchObject({ opened: 1, clicked: 1, unsubscribed: 1 });
    const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'b' } } });
    expect(data!.consents).toMatchObject({ email: { status: 'unsubscribed', source: 'webhook:sendgrid' } });
  });

  test('find their tenant by delivery or campaign when no connection names it, each its own', async () => {
    const [one, two] = [await send(), await send()];
    const answer = await deployment().post([
      { event_type: 'email.opened', delivery_id: one.deliveries[0] },
      { event_type: 'email.opened', email: 'b@example.com', campaign_id: two.mailing.campaignId, delivery_id: 'of the sender’s own' },
      { event_type: 'email.opened', email: 'b@example.com', campaign_id: 'camp_nobodys' },
      { event_type: 'email.opened', delivery_id: 'dlv_nobodys' },
      'no event',
    ]);
    expect(answer.body).toEqual({ received: 5, accepted: 2, duplicates: 0 });
    for (const sent of [one, two]) {
      await eventually(async () => expect(await sent.mailings.counters(sent.mailing)).toMatchObject({ opened: 1 }));
      expect(await statuses(sent.tenant)).toEqual(['processed']);
      const [body] = await app.sql<{ items: unknown[] }>(`SELECT convert_from(body, 'UTF8')::jsonb AS items FROM webhook_bodies WHERE tenant_id = $1`, [sent.mailings.tenant.id]);
      expect(body!.items).toHaveLength(1); // nobody keeps what is another's
    }
  });

  test('of another tenant’s message change nothing', async () => {
    const victim = await send();
    const stranger = newTenant();
    const sender = await WebhookSender.connect(app, 'sendgrid', stranger);
    await sender.post([
      { event_type: 'email.bounced', delivery_id: victim.deliveries[0] },
      { event_type: 'email.opened', email: 'a@example.com', campaign_id: victim.mailing.campaignId },
    ]);
    await eventually(async () => expect(await statuses(stranger)).toEqual(['unmatched', 'unmatched']));
    expect(await victim.mailings.counters(victim.mailing)).toEqual({ sent: 2, delivered: 2 });
  });
});

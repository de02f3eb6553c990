import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings } from './support/mailings.js';
import { startReceiver } from './support/receiver.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const ONE = '/api/v1/marketing/campaigns/{campaign_id}';
const SENDER = { from_email: 'hello@trattoria.example', postal_address: '1 Main Street' };
/** More than a worker takes at once. */
const CROWD = 150;

describe('a campaign that cannot go on', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({ worker: true, env: { SMTP_URL: smtp.url, ALLOW_PRIVATE_TARGETS: '1' } });
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(() => {
    smtp.beforeReply = undefined;
    smtp.recipients.length = 0;
  });

  const configure = async (tenant: string, sender: object): Promise<void> => {
    const { response } = await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { sender } as never });
    expect(response.status).toBe(200);
  };
  const tenantWithSender = async (): Promise<Mailings> => {
    const tenant = newTenant();
    await configure(tenant, SENDER);
    return Mailings.of(app, tenant);
  };

  test('is paused with the reason when its sender is taken away, and goes on where it was', async () => {
    const [mailings, neighbour] = [await tenantWithSender(), await tenantWithSender()];
    const api = app.api(['marketing'], mailings.tenant.name);
    await mailings.crowd(CROWD);
    const { data: segment } = await api.POST('/api/v1/marketing/segments', { body: { name: 'Everybody', type: 'static' } });
    await api.POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id: segment!.id } }, body: { customer_ids: Array.from({ length: CROWD }, (_, i) => `guest-${i}`) } });
    const { data: campaign } = await api.POST('/api/v1/marketing/campaigns', { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: segment!.id, content: { subject: 'Hello', body: 'Hello' } } });
    const path = { params: { path: { campaign_id: campaign!.id } } };
    smtp.beforeReply = () => (smtp.beforeReply = undefined, configure(mailings.tenant.name, { from_email: null, postal_address: null }));
    expect((await api.POST(`${ONE}/start`, path)).data).toMatchObject({ status: 'active', warnings: [] });

    await eventually(async () =>
      expect((await api.GET(ONE, path)).data).toMatchObject({
        status: 'paused',
        warnings: [{ code: 'sender_not_configured', detail: 'The settings lack sender.from_email and sender.postal_address.' }],
        metrics: { sent: smtp.recipients.length, failed: 0, skipped: 0 },
      }),
    );
    expect(smtp.recipients.length).toBeLessThan(CROWD);
    expect((await api.POST(`${ONE}/resume`, path)).error).toMatchObject({ status: 409, code: 'sender_not_configured', missing: ['sender.from_email', 'sender.postal_address'] });
    const other = await neighbour.start(CONTENT, await neighbour.people([{ id: 'ada', email: 'ada@example.com' }]));
    await eventually(async () => expect(await neighbour.state(other)).toBe('finished'));

    await configure(mailings.tenant.name, SENDER);
    expect((await api.POST(`${ONE}/resume`, path)).data).toMatchObject({ status: 'active', warnings: [] });
    await eventually(async () => expect((await api.GET(ONE, path)).data).toMatchObject({ status: 'completed', metrics: { sent: CROWD } }));
    expect(new Set(smtp.recipients).size).toBe(CROWD + 1);
    expect(smtp.recipients).toHaveLength(CROWD + 1);
  });

  test('canceled and deleted at once leaves nobody waiting', async () => {
    const mailings = await tenantWithSender();
    const api = app.api(['marketing'], mailings.tenant.name);
    await mailings.crowd(CROWD);
    await eventually(async () => expect((await api.GET('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: 'seg_all_customers' } } })).data!.size).toBe(CROWD));
    const { data: campaign } = await api.POST('/api/v1/marketing/campaigns', { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'Hello', body: 'Hello' } } });
    const path = { params: { path: { campaign_id: campaign!.id } } };
    smtp.beforeReply = async () => {
      smtp.beforeReply = undefined;
      expect((await api.POST(`${ONE}/cancel`, path)).response.status).toBe(200);
      expect((await api.DELETE(ONE, path)).response.status).toBe(204);
    };
    await api.POST(`${ONE}/start`, path);
    const states = async () => new Map((await app.sql<{ status: string; n: number }>('SELECT status, count(*)::int AS n FROM deliveries WHERE tenant_id = $1 GROUP BY 1', [mailings.tenant.id])).map(({ status, n }) => [status, n]));
    await eventually(async () => {
      const now = await states();
      expect((now.get('accepted') ?? 0) + (now.get('skipped') ?? 0)).toBe(CROWD);
      expect(now.get('skipped')).toBeGreaterThan(0);
    });
  });

  test('for want of its channel holds up no other of its tenant', async () => {
    const mailings = await tenantWithSender();
    const numbers = await mailings.people([{ id: 'ada', email: 'ada@example.com' }]);
    const text = await mailings.start(CONTENT, numbers, { channels: ['email', 'sms'], priority: 9 });
    const letter = await mailings.start(CONTENT, numbers);
    await eventually(async () => expect([await mailings.state(text), await mailings.state(letter)]).toEqual(['paused', 'finished']));
    expect((await mailings.ledger(text)).map(({ status }) => status)).toEqual(['pending', 'pending']);
  });

  describe('after it was completed', () => {
    let mailings: Mailings;
    let api: ReturnType<TestApp['api']>;
    let campaign: { params: { path: { campaign_id: string } } };
    let delivery: { params: { path: { campaign_id: string; delivery_id: string } } };
    const DELIVERIES = `${ONE}/deliveries` as const;
    const shown = async () => (await api.GET(DELIVERIES, campaign)).data!.data.map(({ customer_id, status, reason }) => [customer_id, status, reason]);
    const resend = async () => expect((await api.POST(`${DELIVERIES}/{delivery_id}/resend`, delivery)).data).toMatchObject({ status: 'pending' });

    const ended = () => eventually(async () => expect(await app.sql('SELECT m.state, sending FROM mailings m JOIN campaign_directory USING (tenant_id, campaign_no) WHERE tenant_id = $1', [mailings.tenant.id])).toEqual([{ state: 'finished', sending: false }]));

    /** A completed campaign of which nobody knows whether the one message of it came. */
    beforeEach(async () => {
      mailings = await tenantWithSender();
      api = app.api(['tenant_admin'], mailings.tenant.name);
      smtp.beforeReply = (_, session) => smtp.drop(session);
      const segment_id = await mailings.segmentId(await mailings.named('ada'));
      const { data } = await api.POST('/api/v1/marketing/campaigns', { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id, content: { subject: 'Hello', body: 'Hello' } } });
      campaign = { params: { path: { campaign_id: data!.id } } };
      await api.POST(`${ONE}/start`, campaign);
      await eventually(async () => expect((await api.GET(ONE, campaign)).data).toMatchObject({ status: 'completed', metrics: { unknown: 1 } }));
      smtp.beforeReply = undefined;
      delivery = { params: { path: { ...campaign.params.path, delivery_id: (await api.GET(DELIVERIES, campaign)).data!.data[0]!.id } } };
    });

    test('what is resent and cannot go is unknown again, with the reason, and may be resent later', async () => {
      await configure(mailings.tenant.name, { from_email: null });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'sender_not_configured']]));
      expect((await api.GET(ONE, campaign)).data).toMatchObject({ status: 'completed', metrics: { unknown: 1, sent: 0 } });
      await configure(mailings.tenant.name, SENDER);
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'accepted', null]]));
      expect((await api.GET(ONE, campaign)).data).toMatchObject({ status: 'completed', metrics: { unknown: 0, sent: 1 } });
    });

    test('what may have come is never said not to have been sent: not where its recipient leaves', async () => {
      await api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'ada' } }, body: { consents: { email: { status: 'unsubscribed' } } } });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'no_consent']]));
      await ended();
    });

    test('nor where it was put off in between', async () => {
      smtp.refuse = () => ({ responseCode: 451, message: 'later' });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'pending', 'smtp_451']]));
      smtp.refuse = undefined;
      await api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'ada' } }, body: { consents: { email: { status: 'unsubscribed' } } } });
      app.clock.advance(3_600_000);
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'no_consent']]));
    });

    test('nor is it sent a third time by itself when its worker dies', async () => {
      await api.PATCH('/api/v1/marketing/settings', { body: { quiet_hours: { email: { from: '00:00', to: '23:59' } } } });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'pending', 'quiet_hours']]));
      await app.sql(`UPDATE deliveries SET status = 'calling', lease_until = now() - interval '1 day' WHERE tenant_id = $1`, [mailings.tenant.id]);
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'worker_lost']]));
    });

    test('nor where the campaign is canceled', async () => {
      await api.PATCH('/api/v1/marketing/settings', { body: { quiet_hours: { email: { from: '00:00', to: '23:59' } } } });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'pending', 'quiet_hours']]));
      const [mailing] = await app.sql<{ campaign_no: number }>('SELECT campaign_no FROM mailings WHERE tenant_id = $1', [mailings.tenant.id]);
      await mailings.inTenant((tx) => mailings.delivery.cancel(tx, mailings.tenant, mailing!.campaign_no));
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'quiet_hours']]));
    });

    test('what the provider bars, too', async () => {
      const gone = await startReceiver();
      gone.secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
      gone.react = () => ({ status: 410 });
      await api.PUT('/api/v1/marketing/channels/http_email', { body: { url: `${gone.url}/send`, secret: gone.secret } });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'unknown', 'http_410']]));
      await ended();
      await gone.close();
    });

    test('what waits for its time or for a provider that is away may be given up', async () => {
      await api.PATCH('/api/v1/marketing/settings', { body: { quiet_hours: { email: { from: '00:00', to: '23:59' } } } });
      await resend();
      await eventually(async () => expect(await shown()).toEqual([['ada', 'pending', 'quiet_hours']]));
      const given = await api.POST(`${DELIVERIES}/{delivery_id}/give-up`, delivery);
      expect(given.data).toMatchObject({ status: 'rejected', reason: 'given_up' });
      await ended();
    });
  });
});

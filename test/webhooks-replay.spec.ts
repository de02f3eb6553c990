import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

type Provider = 'sendgrid' | 'twilio' | 'mailchimp' | 'hubspot';

describe('replaying what providers sent', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const events = async (tenant: string, provider: Provider = 'hubspot') =>
    (await app.api(['marketing'], tenant).GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider }, query: { limit: 100 } } })).data!.data;
  const settled = (tenant: string, provider: Provider = 'hubspot') =>
    eventually(async () => {
      const all = await events(tenant, provider);
      expect(all.filter((one) => one.status === 'pending')).toEqual([]);
      return all;
    });
  const replay = (tenant: string, event_id: string, provider: Provider = 'hubspot') =>
    app.api(['tenant_admin'], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/{event_id}/replay', { params: { path: { provider, event_id } } });
  const range = (tenant: string, body: { from: string; to: string; status?: 'processed' | 'unmatched' | 'failed' }, provider: Provider = 'hubspot', role: 'tenant_admin' | 'marketing' = 'tenant_admin') =>
    app.api([role], tenant).POST('/api/v1/marketing/webhooks/{provider}/events/replay', { params: { path: { provider } }, body });
  const at = (ms: number) => new Date(app.clock.now().getTime() + ms).toISOString();
  const customer = async (tenant: string, customer_id: string) => (await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } })).data;
  /** As if a normaliser of ours had not known what it knows now. */
  const misread = (tenant: string) =>
    app.sql(`UPDATE webhook_events SET status = 'failed', reason = 'unsupported_event_type', type = 'misread' WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
  const contact = (customer_id: string) => ({ event_type: 'contact_created', event_id: customer_id, customer_id, email: `${customer_id}@example.com` });

  test('an event is read again from the bytes that came, not from what was made of them', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    await sender.post([contact('ada'), contact('grace')]);
    await settled(tenant);
    await app.sql(`DELETE FROM customers WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
    await misread(tenant);
    const grace = (await events(tenant)).find(({ payload }) => (payload as { customer_id: string }).customer_id === 'grace')!;
    const { data, response } = await replay(tenant, grace.id);
    expect([response.status, data!.status]).toEqual([202, 'pending']);
    const { data: log } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/audit-log');
    expect(log!.data[0]).toMatchObject({ action: 'webhook.event_replayed', detail: { provider: 'hubspot', event_id: grace.id } });
    await eventually(async () => expect((await events(tenant)).find(({ id }) => id === grace.id)).toMatchObject({ status: 'processed', reason: null, type: 'contact_created' }));
    expect([(await customer(tenant, 'grace'))?.email, await customer(tenant, 'ada')]).toEqual(['grace@example.com', undefined]);
  });

  test('a range is replayed by a job: what was received in it, of the status, and nothing else', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const other = await WebhookSender.connect(app, 'mailchimp', tenant);
    await sender.post(contact('before'));
    await settled(tenant);
    app.clock.advance(3600_000);
    try {
      const from = at(-1000);
      await sender.post([contact('ada'), contact('grace'), { event_type: 'form_submitted' }]); // the last is of nobody
      await sender.post(contact('ada')); // again
      await other.post({ event_type: 'campaign_sent', campaign_id: 'mc_1' });
      await settled(tenant, 'mailchimp');
      expect((await settled(tenant)).map(({ status }) => status).sort()).toEqual(['duplicate', 'processed', 'processed', 'processed', 'unmatched']);
      const to = at(1);
      const settledAt = async () => new Map((await settled(tenant)).map(({ id, processed_at }) => [id, processed_at]));
      const before = await settledAt();
      app.clock.advance(60_000);
      const changed = async () => {
        const now = await settledAt();
        return [...before].filter(([id, processed]) => now.get(id) !== processed).length;
      };
      expect((await range(tenant, { from, to, status: 'unmatched' })).data).toEqual({ events: 1 });
      await eventually(async () => expect(await changed()).toBe(1));
      expect((await range(tenant, { from, to })).data).toEqual({ events: 3 });
      await eventually(async () => expect(await changed()).toBe(3));
      expect((await range(tenant, { from, to, status: 'failed' })).data).toEqual({ events: 0 });
      expect((await events(tenant, 'mailchimp'))[0]!.processed_at! < at(-30_000)).toBe(true);
      expect((await range(newTenant(), { from, to })).data).toEqual({ events: 0 });
      const { data: log } = await app.api(['tenant_admin'], tenant).GET('/api/v1/marketing/audit-log');
      expect(log!.data[0]).toMatchObject({ action: 'webhook.events_replayed', detail: { provider: 'hubspot', from, to, status: 'failed', events: 0 } });
    } finally {
      app.clock.advance(-3660_000);
    }
  });

  test('a range of thousands takes effect again, each event once', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    const all = Array.from({ length: 2500 }, (_, n) => contact(`c${n}`));
    await sender.post(all);
    const processed = async () => (await app.sql<{ n: number }>(`SELECT count(*)::int AS n FROM webhook_events e JOIN tenants t ON t.id = e.tenant_id WHERE t.name = $1 AND status = 'processed'`, [tenant]))[0]!.n;
    await eventually(async () => expect(await processed()).toBe(2500));
    await misread(tenant);
    await app.sql(`UPDATE customers SET first_name = 'Somebody' WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
    expect((await range(tenant, { from: at(-600_000), to: at(1000), status: 'failed' })).data).toEqual({ events: 2500 });
    await eventually(async () => expect(await processed()).toBe(2500));
    expect(await app.sql(`SELECT count(*)::int AS n FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1 AND first_name = 'Somebody'`, [tenant])).toEqual([{ n: 2500 }]);
  });

  test('what it cannot honour is refused: a range that ends before it begins, too many, a marketer', async () => {
    const tenant = newTenant();
    const [from, to] = [at(-1000), at(1000)];
    expect((await range(tenant, { from: to, to: from })).error).toMatchObject({ code: 'validation_failed', errors: [expect.objectContaining({ pointer: '/to' })] });
    expect((await range(tenant, { from, to: 'tomorrow' })).error).toMatchObject({ code: 'validation_failed', errors: [expect.objectContaining({ pointer: '/to' })] });
    expect((await range(tenant, { from, to, status: 'duplicate' as 'failed' })).error).toMatchObject({ code: 'validation_failed', errors: [expect.objectContaining({ pointer: '/status' })] });
    expect((await range(tenant, { from, to }, 'paypal' as Provider)).error).toMatchObject({ code: 'unknown_provider' });
    expect((await range(tenant, { from, to }, 'hubspot', 'marketing')).error).toMatchObject({ status: 403 });
    expect((await range(tenant, { from: '1960-01-01T00:00:00Z', to: '9999-12-31T23:59:59Z' })).data).toEqual({ events: 0 });
    await app.sql(
      `INSERT INTO webhook_events (tenant_id, provider, id, body_id, item_no, dedup_key, persons, status, received_at)
       SELECT t.id, 'hubspot', 'whe_' || lpad(n::text, 26, '0'), 'whb_none', n, int4send(n), '{}', 'failed', now() FROM tenants t, generate_series(1, 100001) n WHERE t.name = $1`, [tenant]);
    expect((await range(tenant, { from: '1970-01-01T00:00:00Z', to })).error).toMatchObject({ status: 422, code: 'too_many_events' });
  });

  test('what was erased is not replayed; what came with it is', async () => {
    const tenant = newTenant();
    const sender = await WebhookSender.connect(app, 'hubspot', tenant);
    await sender.post([contact('ada'), contact('grace')]);
    const all = await settled(tenant);
    const [ada, grace] = ['ada', 'grace'].map((name) => all.find(({ payload }) => (payload as { customer_id: string }).customer_id === name)!.id) as [string, string];
    const { response } = await app.api(['tenant_admin'], tenant).DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'ada' } } });
    expect(response.status).toBe(204);
    await eventually(async () => expect((await events(tenant)).find(({ id }) => id === ada)).toMatchObject({ payload: null, reason: 'erased' }));
    expect((await replay(tenant, ada)).error).toMatchObject({ status: 409, code: 'invalid_state' });
    expect((await range(tenant, { from: at(-600_000), to: at(1000) })).data).toEqual({ events: 1 });
    expect((await settled(tenant)).find(({ id }) => id === grace)).toMatchObject({ status: 'processed', payload: contact('grace') });
    expect(await customer(tenant, 'ada')).toBeUndefined();
  });
});

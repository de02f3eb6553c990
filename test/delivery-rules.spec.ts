import { encodeDeliveryId, type Receipt } from '#delivery';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const CAMPAIGNS = '/api/v1/marketing/campaigns';
const ONE = `${CAMPAIGNS}/{campaign_id}` as const;

describe('campaigns with rules of their own', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    smtp.refuse = undefined;
    smtp.beforeReply = undefined;
    smtp.recipients.length = 0;
    mailings = await Mailings.of(app, newTenant());
  });

  const api = () => app.api(['marketing'], mailings.tenant.name);
  const draft = async (more: object): Promise<{ params: { path: { campaign_id: string } } }> => {
    const { data, error } = await api().POST(CAMPAIGNS, { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'Hello', body: 'Hello' }, ...more } as never });
    expect(error).toBeUndefined();
    return { params: { path: { campaign_id: data!.id } } };
  };
  const shown = async (campaign: { params: { path: { campaign_id: string } } }) => (await api().GET(ONE, campaign)).data!;
  /** The crowd, once the segment of all customers has them. */
  const everybody = async (size: number): Promise<number[]> => {
    const customers = await mailings.crowd(size);
    await eventually(async () => expect((await api().GET('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: 'seg_all_customers' } } })).data).toMatchObject({ size }), { within: 20_000 });
    return customers;
  };
  const numberOf = async (campaignId: string): Promise<number> => (await app.sql<{ campaign_no: number }>('SELECT campaign_no FROM campaigns WHERE tenant_id = $1 AND campaign_id = $2', [mailings.tenant.id, campaignId]))[0]!.campaign_no;
  const tell = (campaignNo: number, customers: readonly number[], type: Receipt['type']) =>
    mailings.inTenant((tx) =>
      mailings.delivery.recordReceipts(tx, mailings.tenant, customers.map((customerNo) => ({ type, at: app.clock.now(), deliveryId: encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo, customerNo, channel: 'email' }) }))),
    );

  test('are shown as they were written, change member by member, and are copied', async () => {
    const campaign = await draft({ holdout_percent: 12.5, stop_rules: { bounce_rate: 5, promo_budget: true } });
    expect(await shown(campaign)).toMatchObject({ holdout_percent: 12.5, stop_rules: { bounce_rate: 5, complaint_rate: null, promo_budget: true } });
    const { data: copy } = await api().POST(`${ONE}/duplicate`, campaign);
    expect(copy).toMatchObject({ holdout_percent: 12.5, stop_rules: { bounce_rate: 5 } });
    const { data } = await api().PATCH(ONE, { ...campaign, body: { holdout_percent: null, stop_rules: { complaint_rate: 0.1, bounce_rate: null } } });
    expect(data).toMatchObject({ holdout_percent: null, stop_rules: { bounce_rate: null, complaint_rate: 0.1, promo_budget: true } });
    expect((await api().PATCH(ONE, { ...campaign, body: { stop_rules: null } })).data).toMatchObject({ stop_rules: null });
    for (const body of [{ holdout_percent: 0 }, { holdout_percent: 91 }, { stop_rules: { bounce_rate: 101 } }, { stop_rules: { speed: 1 } }]) {
      expect((await api().PATCH(ONE, { ...campaign, body: body as never })).error).toMatchObject({ status: 400, code: 'validation_failed' });
    }
  });

  test('a tenth is held out: not written to, told why, and the same on every channel', async () => {
    const customers = await everybody(1_000);
    await app.sql(`UPDATE customers SET phone = '+4179' || lpad(customer_no::text, 7, '0'), consent_sms = 'unknown' WHERE tenant_id = $1`, [mailings.tenant.id]);
    const campaign = await draft({ holdout_percent: 10 });
    await api().POST(`${ONE}/start`, campaign);
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'completed' }), { within: 20_000 });
    const { campaign_id } = campaign.params.path;
    const rows = await app.sql<{ customer_no: number; status: string; reason: string | null }>('SELECT customer_no, status, reason FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2', [mailings.tenant.id, await numberOf(campaign_id)]);
    const held = rows.filter(({ reason }) => reason === 'holdout');
    expect(Math.abs(held.length - 100)).toBeLessThan(40); // four standard deviations
    expect(rows.filter(({ status }) => status === 'accepted')).toHaveLength(customers.length - held.length);
    expect(new Set(smtp.recipients).size).toBe(customers.length - held.length);
    expect((await shown(campaign)).metrics).toMatchObject({ sent: customers.length - held.length, skipped: held.length });
  });

  test('too many refusals pause it, with the reason; resumed, it counts anew', async () => {
    await everybody(600);
    smtp.refuse = () => ({ responseCode: 550, message: '5.7.1 Blocked' });
    const campaign = await draft({ stop_rules: { bounce_rate: 20 } });
    await api().POST(`${ONE}/start`, campaign);
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'paused', warnings: [{ code: 'bounce_rate_exceeded', detail: expect.stringMatching(/^100\.00 % of \d+ messages/) as string }] }));
    const { failed } = (await shown(campaign)).metrics;
    expect(failed).toBeGreaterThanOrEqual(100);
    expect(failed).toBeLessThanOrEqual(200);
    smtp.refuse = undefined;
    await api().POST(`${ONE}/resume`, campaign);
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'completed', metrics: { sent: 600 - failed } }), { within: 20_000 });
  });

  test('complaints that come while it sends pause it', async () => {
    const customers = await everybody(600);
    const campaign = await draft({ stop_rules: { complaint_rate: 1 } });
    let complained: Promise<unknown> | undefined;
    const campaignNo = await numberOf(campaign.params.path.campaign_id);
    smtp.beforeReply = async () => {
      if (smtp.recipients.length < 250) return;
      complained ??= (async () => {
        const sent = await app.sql<{ customer_no: number }>(`SELECT customer_no FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 AND status = 'accepted' LIMIT 10`, [mailings.tenant.id, campaignNo]);
        await tell(campaignNo, sent.map(({ customer_no }) => customer_no), 'complained');
      })();
      await complained;
    };
    await api().POST(`${ONE}/start`, campaign);
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'paused', warnings: [{ code: 'complaint_rate_exceeded' }] }));
    expect((await shown(campaign)).metrics.sent).toBeLessThan(customers.length);
  });

  test('a code that is used up pauses the campaign that announces it, until there are uses again', async () => {
    await everybody(300);
    const campaign = await draft({ promo_code: 'GONE20', promo_discount_percent: 20, stop_rules: { promo_budget: true } });
    const { promo_id } = await shown(campaign);
    await api().PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: promo_id! } }, body: { usage_limit: 1 } });
    let used: Promise<unknown> | undefined;
    smtp.beforeReply = () =>
      (used ??= api().POST('/api/v1/marketing/promos/redemptions', { body: { code: 'GONE20', order: { id: 'o1', items: [{ id: '1', quantity: 1, unit_price: 10 }] } } as never })) as Promise<void>;
    await api().POST(`${ONE}/start`, campaign);
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'paused', warnings: [{ code: 'promo_used_up' }] }));
    expect(((await used) as { response: Response }).response.status).toBe(201);
    expect((await shown(campaign)).metrics.sent).toBeLessThan(300);
    expect((await api().POST(`${ONE}/resume`, campaign)).error).toMatchObject({ status: 409, code: 'promo_used_up', promo_id });
    expect(await shown(campaign)).toMatchObject({ status: 'paused', warnings: [{ code: 'promo_used_up' }] });
    await api().PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: promo_id! } }, body: { usage_limit: 2 } });
    expect((await api().POST(`${ONE}/resume`, campaign)).data).toMatchObject({ status: 'active', warnings: [] });
    await eventually(async () => expect(await shown(campaign)).toMatchObject({ status: 'completed', metrics: { sent: 300 } }), { within: 20_000 });
  });

  test('a code that is used up keeps the campaign that announces it from starting, unless it has no such rule', async () => {
    const promo = { promo_code: 'EARLY20', promo_discount_percent: 20 };
    const campaign = await draft({ ...promo, stop_rules: { promo_budget: true } });
    const { promo_id } = await shown(campaign);
    await api().PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: promo_id! } }, body: { usage_limit: 1 } });
    await api().POST('/api/v1/marketing/promos/redemptions', { body: { code: 'EARLY20', order: { id: 'o1', items: [{ id: '1', quantity: 1, unit_price: 10 }] } } as never });
    expect((await api().POST(`${ONE}/preflight`, campaign)).data!.warnings).toMatchObject([{ code: 'promo_used_up' }]);
    expect((await api().POST(`${ONE}/start`, campaign)).error).toMatchObject({ status: 409, code: 'promo_used_up', promo_id });
    expect((await api().POST(`${ONE}/start`, await draft(promo))).data).toMatchObject({ status: 'active' });
  });
});

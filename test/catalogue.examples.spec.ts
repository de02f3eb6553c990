import { createHmac } from 'node:crypto';
import { startApp, type TestApp } from './support/app.js';
import { SENDER_ENV } from './support/mailings.js';
import { bodyExamples, fill, OPERATIONS, takesJson, title } from './support/operations.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant, token } from './support/tokens.js';

const BASE = '/api/v1/marketing';
const ITEMS = [{ id: 'line_1', quantity: 1, unit_price: 20 }];

const examplesOf = (operationId: string): unknown[] => bodyExamples(OPERATIONS.find((one) => one.operationId === operationId)!).map(([, body]) => body);

describe('every example of the document works when pasted', () => {
  let app: TestApp;
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startApp({ env: { SMTP_URL: smtp.url, ...SENDER_ENV } });
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });

  /** A tenant that has what the examples speak of, and the ids to put into paths. */
  async function prepare(): Promise<{ tenant: string; ids: Record<string, string>; secret: string }> {
    const tenant = newTenant();
    const send = async (method: string, path: string, body: object): Promise<Record<string, string>> => {
      const response = await app.fetch(`${BASE}/${path}`, { method, token: token(tenant), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      expect([path, response.ok]).toEqual([path, true]);
      return (await response.json()) as Record<string, string>;
    };
    for (const id of ['cust_42', 'cust_1001', 'cust_1002']) await send('PUT', `customers/${id}`, {});
    const segment = await send('POST', 'segments', { name: 'Prepared', type: 'static' });
    const dynamic = await send('POST', 'segments', { name: 'Prepared too', type: 'dynamic', criteria: { city: 'Rome' } });
    const campaign = await send('POST', 'campaigns', { name: 'A', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'a', body: 'b' } });
    const promo = await send('POST', 'promos', { code: 'PREPARED', type: 'percentage', value: 10 });
    const redemption = await send('POST', 'promos/redemptions', { code: 'PREPARED', order: { id: 'order_1', items: ITEMS } });
    const { secret } = await send('PUT', 'webhooks/sendgrid/connection', {});
    return {
      tenant,
      secret: secret!,
      ids: { customer_id: 'cust_1001', segment_id: segment.id!, dynamic_id: dynamic.id!, campaign_id: campaign.id!, promo_id: promo.id!, redemption_id: redemption.id!, provider: 'sendgrid' },
    };
  }

  const examples = OPERATIONS.filter(takesJson).flatMap((operation) => bodyExamples(operation).map(([name, body]) => [`${title(operation)} ${name}`, operation, body] as const));

  test.each(examples)('%s', async (_, operation, body) => {
    const { tenant, ids, secret } = await prepare();
    const json = JSON.stringify(body);
    let headers: Record<string, string> = { 'content-type': 'application/json' };
    let query = '';
    if (operation.operationId === 'receiveWebhook') {
      const timestamp = String(Math.floor(Date.now() / 1000));
      headers = { ...headers, 'x-webhook-timestamp': timestamp, 'x-webhook-signature': `sha256=${createHmac('sha256', secret).update(`${timestamp}.${json}`).digest('hex')}` };
      const connection = (await (await app.fetch(`${BASE}/webhooks/sendgrid/connection`, { token: token(tenant) })).json()) as { url: string };
      query = new URL(connection.url).search;
    }
    if (/redeemPromos|validatePromos/.test(operation.operationId)) {
      for (const promo of examplesOf('createPromo')) {
        expect((await app.fetch(`${BASE}/promos`, { method: 'POST', token: token(tenant), headers, body: JSON.stringify(promo) })).status).toBe(201);
      }
    }
    if (operation.path.includes('{subscription_id}')) {
      const made = await app.fetch(`${BASE}/event-subscriptions`, { method: 'POST', token: token(tenant), headers, body: JSON.stringify(examplesOf('createEventSubscription')[0]) });
      ids.subscription_id = ((await made.json()) as { id: string }).id;
    }
    const criteria = operation.operationId === 'updateSegment' && 'criteria' in (body as object);
    const path = fill(operation.path, (name) => (criteria ? ids.dynamic_id : ids[name])!);
    const response = await app.fetch(path + query, { method: operation.method, token: token(tenant), headers, body: json });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const documented = Object.keys(operation.responses);
    expect(documented).toContain(String(response.status));
  });
});

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
  async function prepare(): Promise<{ tenant: string; ids: Record<string, string> }> {
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
    await send('PUT', 'webhooks/sendgrid/connection', {});
    return {
      tenant,
      ids: { customer_id: 'cust_1001', segment_id: segment.id!, dynamic_id: dynamic.id!, campaign_id: campaign.id!, promo_id: promo.id!, redemption_id: redemption.id!, provider: 'sendgrid' },
    };
  }

  /** What providers post is signed in the way of each: webhooks-examples.spec.ts. */
  const pasted = OPERATIONS.filter((operation) => takesJson(operation) && operation.operationId !== 'receiveWebhook');
  const examples = pasted.flatMap((operation) => bodyExamples(operation).map(([name, body]) => [`${title(operation)} ${name}`, operation, body] as const));

  test.each(examples)('%s', async (_, operation, body) => {
    const { tenant, ids } = await prepare();
    const json = JSON.stringify(body);
    const headers = { 'content-type': 'application/json' };
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
    const response = await app.fetch(path, { method: operation.method, token: token(tenant), headers, body: json });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const documented = Object.keys(operation.responses);
    expect(documented).toContain(String(response.status));
  });
});

import { generatedInput } from '#app/local/src/demo-input';
import { HttpClient } from '#app/local/src/http-client';
import { type MainJobResult, playMainJob } from '#app/local/src/main-job';
import { startMailCatcher, type RunningMailCatcher } from '#app/local/src/mail-catcher';
import { startApp, type TestApp } from './support/app.js';
import { token } from './support/tokens.js';

/** What `npm run demo` plays, held against the tables. */
describe('the main job, end to end', () => {
  let app: TestApp;
  let mail: RunningMailCatcher;
  let result: MainJobResult;
  const input = generatedInput(300);

  beforeAll(async () => {
    mail = await startMailCatcher({ smtpPort: 0, uiPort: 0, log: () => undefined });
    app = await startApp({ worker: true, env: { SMTP_URL: mail.smtpUrl, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } });
    result = await playMainJob(new HttpClient(app.url, token(app.tenant)), input, () => undefined);
  }, 120_000);

  afterAll(async () => {
    await app.close();
    await mail.stop();
  });

  const one = async (text: string): Promise<Record<string, unknown>> => (await app.sql(`WITH t AS (SELECT id FROM tenants WHERE name = '${app.tenant}') ${text}`))[0]!;

  test('every customer and every order is there, to the cent', async () => {
    expect(result.imported).toMatchObject({ status: 'completed', created: 300, rejected: 0 });
    const orders = await one('SELECT count(*)::int AS n, sum(total)::bigint AS total FROM orders, t WHERE tenant_id = t.id AND order_id LIKE $$order-guest%$$');
    expect(orders).toEqual({ n: result.events.orders, total: String(Math.round(result.events.total * 100)) });
  });

  test('the segment is as large as plain SQL says', async () => {
    const { n } = await one(`SELECT count(*)::int AS n FROM (SELECT customer_no FROM orders, t WHERE tenant_id = t.id AND order_id LIKE $$order-guest%$$
      GROUP BY customer_no HAVING sum(total) >= 20000 AND count(*) >= 4) regulars`);
    expect(result.segment.size).toBe(n);
    expect(n).toBeGreaterThan(10);
  });

  test('one ledger row and one mail per recipient', async () => {
    const ledger = await one('SELECT count(*)::int AS n, count(DISTINCT customer_no)::int AS customers FROM deliveries, t WHERE tenant_id = t.id');
    expect(ledger).toEqual({ n: result.segment.size, customers: result.segment.size });
    const inbox = (await (await fetch(`${mail.uiUrl}/email?limit=1`)).json()) as { total: number };
    expect(inbox.total).toBe(result.campaign.metrics.sent);
  });

  test('the metrics follow the receipts, rates ÷ delivered', () => {
    const { metrics } = result.campaign;
    expect(metrics.delivered).toBe(metrics.sent! - 1); // one bounced
    expect(metrics.open_rate).toBe(Math.round((metrics.opened! / metrics.delivered!) * 1000) / 10);
    expect(metrics.click_rate).toBe(Math.round((metrics.clicked! / metrics.delivered!) * 1000) / 10);
    expect(result.webhooks).toMatchObject({ duplicates: 10, forged: 401 });
  });

  test('promo limits are exact, and the redeemed order is the campaign’s revenue', () => {
    expect(result.promo).toEqual({ redeemed: 20, refused: 30, fixed_discount: 5, percentage_discount: 10 });
    expect(result.conversion).toEqual({ converted: 1, revenue: 30 });
  });

  test('the funnel is ordered and agrees with the orders', () => {
    const counts = result.funnel.stages.map(({ count }) => count);
    expect(result.funnel.stages.map(({ stage }) => stage)).toEqual(['awareness', 'interest', 'consideration', 'intent', 'purchase']);
    expect([...counts].sort((a, b) => b - a)).toEqual(counts);
    const buyers = new Set(input.events.filter((event) => event.order).map((event) => event.customer_id));
    expect(counts.at(-1)).toBe(buyers.size);
  });
});

import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';

const CUSTOMER = '/api/v1/marketing/customers/{customer_id}';
const CUSTOMERS = 15_000;

/** What a request about one customer reads must not grow with the others: at a million, a scan of them is most of a second. */
describe('a request about one customer', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    const { id } = await tenantOf(app);
    // Not over HTTP: what is read to write them would be told as late as ten seconds after, while a request's rows are counted.
    await app.sql(`INSERT INTO customers (tenant_id, customer_no, customer_id, city, created_at, updated_at) SELECT $1, 1000 + n, 'c' || n, 'Rome', now(), now() FROM generate_series(1, $2::int) n`, [id, CUSTOMERS]);
    await app.sql('ANALYZE customers');
  });
  afterAll(() => app.close());

  /** Rows of customers that were read, of whatever kind the scan: the server tells once those who read have gone. */
  const rowsRead = async (request: (api: ReturnType<TestApp['api']>) => Promise<{ response: Response }>): Promise<number> => {
    const read = async (): Promise<number> =>
      (await app.sql<{ n: number }>(`SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int + (SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes WHERE relname = 'customers') AS n FROM pg_stat_user_tables WHERE relname = 'customers'`))[0]!.n;
    const reader = await startApp();
    const before = await read();
    try {
      expect((await request(reader.api(['tenant_admin'], app.tenant))).response.status).toBeLessThan(300);
    } finally {
      await reader.close();
    }
    return (await read()) - before;
  };
  const params = (customer_id: string) => ({ params: { path: { customer_id } } });

  test.each<[string, (api: ReturnType<TestApp['api']>) => Promise<{ response: Response }>]>([
    ['reads it', (api) => api.GET(CUSTOMER, params('c1'))],
    ['changes it', (api) => api.PUT(CUSTOMER, { ...params('c2'), body: { city: 'Bern' } })],
    ['makes it', (api) => api.PUT(CUSTOMER, { ...params('new'), body: { city: 'Bern' } })],
    ['asks for its timeline', (api) => api.GET(`${CUSTOMER}/timeline`, params('c3'))],
    ['exports it', (api) => api.GET(`${CUSTOMER}/export`, params('c4'))],
    ['merges another into it', (api) => api.POST(`${CUSTOMER}/merge`, { ...params('c5'), body: { from: 'c6' } })],
    ['erases it', (api) => api.DELETE(CUSTOMER, params('c7'))],
    ['tells what it did', (api) => api.POST('/api/v1/marketing/events', { body: { events: [{ id: 'e1', type: 'menu_viewed', customer_id: 'c8', occurred_at: new Date().toISOString() }] } })],
    ['finds it by its email', (api) => api.GET('/api/v1/marketing/customers', { params: { query: { q: 'nobody@example.com' } } })],
  ])('that %s reads it and no others', async (_, request) => {
    expect(await rowsRead(request)).toBeLessThan(100);
  });
});

/** At a million that wait, a look at each of them takes longer than to send what was looked for. */
test('a worker that looks what is due does not read all that is', async () => {
  const { app, smtp } = await startMailer();
  try {
    const mailings = await Mailings.of(app);
    const api = app.api(['tenant_admin']);
    const body = { name: 'Sale', type: 'promotion' as const, channels: ['email' as const], segment_id: await mailings.segmentId(await mailings.crowd(1)), content: CONTENT, delivery_mode: 'continuous' as const };
    const campaign = { params: { path: { campaign_id: (await api.POST('/api/v1/marketing/campaigns', { body })).data!.id } } };
    expect((await api.POST('/api/v1/marketing/campaigns/{campaign_id}/start', campaign)).response.status).toBe(200);
    await eventually(async () => expect(await app.sql('SELECT FROM mailings WHERE snapshot_done')).toHaveLength(1));
    expect((await api.POST('/api/v1/marketing/campaigns/{campaign_id}/pause', campaign)).response.status).toBe(200);
    await app.sql(`INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at) SELECT tenant_id, campaign_no, n, 'email', now() FROM mailings, generate_series(1000, 10999) n`);
    const looks = async () => (await app.sql<{ scans: number; read: number }>(`SELECT sum(idx_scan)::int AS scans, sum(idx_tup_read)::int AS read FROM pg_stat_user_indexes WHERE relname LIKE 'deliveries%' AND indexrelname LIKE '%next_attempt_at%'`))[0]!;
    const readsOfALook = async (): Promise<number> => {
      const before = await looks();
      await eventually(async () => expect((await looks()).scans - before.scans).toBeGreaterThan(10));
      const after = await looks();
      return (after.read - before.read) / (after.scans - before.scans);
    };
    await eventually(async () => expect(await readsOfALook()).toBeLessThan(10)); // once the job that the pause brought has been done
  } finally {
    await app.close();
    await smtp.close();
  }
});

import { Jobs } from '#jobs';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const content = { subject: 'Hello', body: 'Hello' };
const HOUR = 3_600_000;

describe('scheduled campaigns', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ worker: true, env: { SMTP_URL: 'smtp://127.0.0.1:1', DEFAULT_FROM_EMAIL: 'hello@example.com', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } });
  });
  afterAll(() => app.close());

  const soon = (milliseconds = 1_500): string => new Date(app.clock.now().getTime() + milliseconds).toISOString();
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const read = async (id: string) => (await app.api().GET(ONE, one(id))).data!;

  async function scheduled(start_date: string, over: object = {}) {
    const { data, error } = await app.api().POST(PATH, { body: { name: 'Soon', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', content, schedule: { start_date }, ...over } });
    expect(error).toBeUndefined();
    expect(data).toMatchObject({ status: 'scheduled', warnings: [] });
    return data!.id;
  }

  /** Runs the start job of the campaign's scheduling, as the queue would when its time has come. */
  async function fire(campaign_id: string, schedule_version = 1): Promise<void> {
    const { handler } = app.nest.get(Jobs).handlers.get('campaign-start')!;
    const [tenant] = await app.sql<{ id: number; name: string }>('SELECT id, name FROM tenants WHERE name = $1', [app.tenant]);
    await handler(tenant!, { campaign_id, schedule_version, due: app.clock.now().toISOString() }, new AbortController().signal, { id: '', at: app.clock.now() });
  }

  test('the worker starts one at its time; without anybody to write to it is soon completed', async () => {
    const id = await scheduled(soon());
    await eventually(async () => expect(await read(id)).toMatchObject({ status: expect.stringMatching(/active|completed/), started_at: expect.any(String), canceled_at: null }));
    const { started_at, start_date } = await read(id);
    expect(Date.parse(started_at!) - Date.parse(start_date!)).toBeGreaterThan(-100);
  });

  test('scheduled anew, it starts at the new time only', async () => {
    const id = await scheduled(soon(HOUR));
    await app.api().POST(`${ONE}/schedule`, { ...one(id), body: { start_date: soon(2 * HOUR) } });
    const jobs = await app.sql<{ version: string }>(`SELECT data->'data'->>'schedule_version' AS version FROM pgboss.job WHERE name = 'campaign-start' AND data->'data'->>'campaign_id' = $1`, [id]);
    expect(jobs.map(({ version }) => version).sort()).toEqual(['1', '2']);
    await fire(id, 1);
    expect(await read(id)).toMatchObject({ status: 'scheduled' });
    await fire(id, 2);
    expect(await read(id)).toMatchObject({ started_at: expect.any(String) });
  });

  test('canceled before its time, it never starts', async () => {
    const id = await scheduled(soon(HOUR));
    await app.api().POST(`${ONE}/cancel`, one(id));
    await fire(id);
    expect(await read(id)).toMatchObject({ status: 'completed', canceled_at: expect.any(String), started_at: null });
  });

  test('a start missed by more than 15 minutes is not made up for: a draft again, and told', async () => {
    const id = await scheduled(soon(HOUR));
    await app.sql(`UPDATE campaigns SET start_at = start_at - interval '76 minutes' WHERE campaign_id = $1`, [id]);
    await fire(id);
    expect(await read(id)).toMatchObject({ status: 'draft', started_at: null, warnings: [{ code: 'schedule_missed' }] });
  });

  test('one missed by less is', async () => {
    const id = await scheduled(soon(HOUR));
    await app.sql(`UPDATE campaigns SET start_at = start_at - interval '70 minutes' WHERE campaign_id = $1`, [id]);
    await fire(id);
    expect(await read(id)).toMatchObject({ started_at: expect.any(String) });
  });

  test('what a rule refuses at its time is a draft again, with the reason', async () => {
    const id = await scheduled(soon(HOUR));
    await app.api().PATCH('/api/v1/marketing/settings', { body: { max_segment_size: { email: 1 } } });
    await app.sql(`UPDATE segments SET size = 2 WHERE segment_id = 'seg_all_customers' AND tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [app.tenant]);
    await fire(id);
    expect(await read(id)).toMatchObject({ status: 'draft', warnings: [{ code: 'segment_too_large' }] });
    expect(await app.sql('SELECT 1 FROM mailings WHERE campaign_id = $1', [id])).toEqual([]);
    await app.api().PATCH('/api/v1/marketing/settings', { body: { max_segment_size: { email: 1000 } } });
  });

  test('a job that comes twice starts it once', async () => {
    const id = await scheduled(soon(HOUR));
    await Promise.all([1, 2, 3].map(() => fire(id)));
    expect(await app.sql('SELECT 1 FROM mailings WHERE campaign_id = $1', [id])).toHaveLength(1);
  });

  test('a schedule refused leaves no job behind', async () => {
    const count = async () => (await app.sql(`SELECT 1 FROM pgboss.job WHERE name = 'campaign-start'`)).length;
    const before = await count();
    const body = { name: 'Never', type: 'promotion' as const, channels: ['email' as const], segment_id: 'seg_all_customers', content, schedule: { start_date: soon(HOUR) }, promo_code: 'NEVER', promo_discount_percent: 5 };
    await app.api().POST('/api/v1/marketing/promos', { body: { code: 'NEVER', type: 'percentage', value: 50 } });
    expect((await app.api().POST(PATH, { body })).error).toMatchObject({ code: 'promo_code_exists' });
    expect(await count()).toBe(before);
  });
});

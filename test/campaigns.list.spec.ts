import { type Api, startApp, type TestApp } from './support/app.js';
import type { paths } from './support/api.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';

type Query = NonNullable<paths[typeof PATH]['get']['parameters']['query']>;

describe('the list of campaigns', () => {
  let app: TestApp;
  let api: Api;
  const tenant = newTenant();

  beforeAll(async () => {
    app = await startApp();
    api = app.api(['marketing'], tenant);
    await api.GET('/api/v1/marketing/settings', {});
    // Twelve of each type in every status, one start a day from 1 June 2026 on, in the order of their numbers.
    await app.sql(
      `INSERT INTO campaigns (tenant_id, campaign_id, name, type, status, channels, segment_no, segment_id, segment_name, priority, start_at, schedule_version, warnings, created_at, updated_at, version)
       SELECT t.id, 'camp_list_' || t.id || '_' || n, 'Campaign ' || n, (ARRAY['onboarding', 'promotion', 'loyalty'])[n % 3 + 1], (ARRAY['draft', 'scheduled', 'active', 'paused', 'completed'])[n % 5 + 1],
              CASE n % 4 WHEN 0 THEN '{sms}' WHEN 1 THEN '{email,push}' ELSE '{email}' END::text[], 1, 'seg_all_customers', 'All Customers', 0,
              TIMESTAMPTZ '2026-06-01T00:00:00Z' + n * INTERVAL '1 day', 0, '[]', now(), now(), 1
         FROM tenants t, generate_series(0, 59) n WHERE t.name = $1 ORDER BY n`,
      [tenant],
    );
  });
  afterAll(() => app.close());

  const list = async (query: Query = {}) => (await api.GET(PATH, { params: { query } })).data!;
  const numbers = async (query: Query) => (await list({ limit: 100, ...query })).data.map(({ name }) => Number(name.slice(9)));
  const all = [...Array(60).keys()].reverse();

  test('newest first, in the shape of the reference', async () => {
    const { data, meta } = await list();
    expect(data.map(({ name }) => Number(name.slice(9)))).toEqual(all.slice(0, 20));
    expect(data[0]).toEqual({
      id: expect.stringMatching(/^camp_/),
      name: 'Campaign 59',
      type: 'loyalty',
      status: 'completed',
      channels: ['email'],
      segment_id: 'seg_all_customers',
      start_date: '2026-07-30T00:00:00.000Z',
      end_date: null,
      metrics: { sent: 0, opened: 0, clicked: 0, converted: 0 },
    });
    expect(meta).toEqual({ page: 1, limit: 20, total: 60, total_relation: 'eq', has_more: true, next_cursor: expect.any(String) });
  });

  test('pages by number and by cursor tell the same', async () => {
    const second = await list({ page: 2, limit: 25 });
    const first = await list({ limit: 25 });
    const followed = await list({ cursor: first.meta.next_cursor!, limit: 25 });
    expect(followed.data).toEqual(second.data);
    expect(followed.meta).toMatchObject({ page: null, total: 60, has_more: true });
    const last = await list({ cursor: followed.meta.next_cursor!, limit: 25 });
    expect(last.data).toHaveLength(10);
    expect(last.meta).toMatchObject({ has_more: false, next_cursor: null });
  });

  test('every filter, alone and together, and how many it matches', async () => {
    const matching = (test: (n: number) => boolean) => all.filter(test);
    expect(await numbers({ status: 'active' })).toEqual(matching((n) => n % 5 === 2));
    expect(await numbers({ type: 'promotion' })).toEqual(matching((n) => n % 3 === 1));
    expect(await numbers({ channel: 'sms' })).toEqual(matching((n) => n % 4 === 0));
    expect(await numbers({ channel: 'push' })).toEqual(matching((n) => n % 4 === 1));
    expect(await numbers({ q: 'paign 5' })).toEqual(matching((n) => n === 5 || n >= 50));
    expect(await numbers({ q: '%' })).toEqual([]);
    expect(await numbers({ start_date: '2026-07-01' })).toEqual(matching((n) => n >= 30));
    const every: Query = { status: 'draft', type: 'onboarding', channel: 'email', start_date: '2026-06-10', q: 'CAMPAIGN' };
    expect(await numbers(every)).toEqual(matching((n) => n % 15 === 0 && n % 4 !== 0 && n >= 9));
    expect((await list({ status: 'draft', type: 'onboarding', limit: 1 })).meta).toMatchObject({ total: 4, total_relation: 'eq' });
    expect((await list({ status: 'draft', limit: 1 })).meta.total).toBe(12);
    expect((await list({ channel: 'sms', limit: 1 })).meta.total).toBe(15);
  });

  test('a start date is a day of the tenant’s zone', async () => {
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { timezone: 'America/New_York' } });
    expect(await numbers({ start_date: '2026-07-01' })).toEqual(all.filter((n) => n >= 31)); // 1 July 00:00 UTC is still June there
    await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { timezone: 'UTC' } });
  });

  test('what is no filter is told by name', async () => {
    const { error } = await api.GET(PATH, { params: { query: { status: 'done', start_date: '2026-02-30', limit: 0, sort: 'name' } as never } });
    expect(error!.errors!.map(({ parameter }) => parameter).sort()).toEqual(['limit', 'sort', 'start_date', 'status']);
    expect((await api.GET(PATH, { params: { query: { cursor: 'nonsense' } } })).error).toMatchObject({ status: 400, errors: [{ parameter: 'cursor', code: 'invalid_cursor' }] });
    expect((await api.GET(PATH, { params: { query: { page: 101, limit: 100 } } })).error).toMatchObject({ code: 'page_too_deep', status: 400 });
  });

  test('the total follows what moves and goes', async () => {
    const { data } = await api.POST(PATH, { body: { name: 'One more', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' } });
    expect((await list({ status: 'draft', limit: 1 })).meta.total).toBe(13);
    await app.sql(`UPDATE campaigns SET status = 'completed' WHERE campaign_id = $1`, [data!.id]);
    expect((await list({ status: 'draft', limit: 1 })).meta.total).toBe(12);
    await api.DELETE(`${PATH}/{campaign_id}`, { params: { path: { campaign_id: data!.id } } });
    expect((await list({ limit: 1 })).meta.total).toBe(60);
  });

  test('another tenant sees none of them', async () => {
    const { data } = await app.api(['marketing'], newTenant()).GET(PATH, {});
    expect(data).toMatchObject({ data: [], meta: { total: 0, has_more: false } });
  });
});

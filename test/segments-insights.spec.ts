import { Database } from '#database';
import { parse } from 'csv-parse/sync';
import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers, tenantOf } from './support/customers.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { newTenant, token } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const SEGMENT = '/api/v1/marketing/segments/{segment_id}';
const MEMBERS = '/api/v1/marketing/segments/{segment_id}/members';
const PREVIEW = '/api/v1/marketing/segments/preview';
const OVERLAP = '/api/v1/marketing/segments/overlap';
const HISTORY = '/api/v1/marketing/segments/{segment_id}/history';
const DAY = 86_400_000;

describe('what is told of segments', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    await addCustomers(app, [
      { id: 'ada', email: 'ada@example.com', city: 'Rome', loyalty_tier: 'gold', tags: ['vip', 'lunch'], attributes: { visits: 3, seats: ['bar', 'window'] } },
      { id: 'bob', city: 'Rome', loyalty_tier: 'silver', tags: ['vip'], attributes: { visits: '3' } },
      { id: 'cyd', city: 'Bern', loyalty_tier: 'gold', attributes: { visits: true, seats: [] } },
      { id: 'dan', loyalty_tier: 'gold' },
    ]);
  });
  afterAll(() => app.close());

  const at = (segment_id: string) => ({ params: { path: { segment_id } } });
  const listOf = async (customer_ids: string[], api = app.api()): Promise<string> => {
    const { data } = await api.POST(SEGMENTS, { body: { name: 'List', type: 'static' } });
    if (customer_ids.length > 0) await api.POST(MEMBERS, { ...at(data!.id), body: { customer_ids } });
    return data!.id;
  };

  describe('a preview', () => {
    const preview = (criteria: Record<string, unknown>, breakdown?: string[], api = app.api()) => api.POST(PREVIEW, { body: { criteria, breakdown } });

    test('of who is in a segment waits for nobody who changes segments, nor keeps them waiting', async () => {
      const other = new pg.Client({ connectionString: await specDatabase() });
      await other.connect();
      await other.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtext('segment_graph'), (SELECT id FROM tenants WHERE name = '${app.tenant}'))`);
      try {
        expect((await preview({ segment: { in: [await listOf(['ada'])] } })).data).toMatchObject({ size: 1 });
      } finally {
        await other.end();
      }
    });

    test('is broken down by the values of fields, the most frequent first', async () => {
      const { data } = await preview({ loyalty_tier: { exists: true } }, ['loyalty_tier', 'city', 'tags']);
      expect(data!.size).toBe(4);
      expect(data!.sample).toHaveLength(4);
      expect(data!.breakdown).toEqual([
        { field: 'loyalty_tier', values: [{ value: 'gold', size: 3 }, { value: 'silver', size: 1 }], other: 0, missing: 0 },
        { field: 'city', values: [{ value: 'Rome', size: 2 }, { value: 'Bern', size: 1 }], other: 0, missing: 1 },
        { field: 'tags', values: [{ value: 'vip', size: 2 }, { value: 'lunch', size: 1 }], other: 0, missing: 2 },
      ]);
    });

    test('tells attributes apart by type, and takes lists for their elements', async () => {
      const { data } = await preview({ customer_id: { exists: true } }, ['attributes.visits', 'attributes.seats', 'consent.email']);
      const [visits, seats, consent] = data!.breakdown!;
      expect(visits!.values).toHaveLength(3);
      expect(visits!.values).toEqual(expect.arrayContaining([{ value: 3, size: 1 }, { value: '3', size: 1 }, { value: true, size: 1 }]));
      expect(visits).toMatchObject({ other: 0, missing: 1 });
      expect(seats).toEqual({ field: 'attributes.seats', values: [{ value: 'bar', size: 1 }, { value: 'window', size: 1 }], other: 0, missing: 3 });
      expect(consent!.values).toEqual([{ value: 'unknown', size: 4 }]);
    });

    test('names twenty values and counts the others together; counts nobody', async () => {
      const tenant = newTenant();
      await addCustomers(app, [{ id: 'nowhere' }, { id: 'not there' }, ...Array.from({ length: 25 }, (_, n) => ({ id: `c${n}`, city: `City ${String(n).padStart(2, '0')}` }))], tenant);
      const api = app.api(['marketing'], tenant);
      const { data } = await preview({ customer_id: { exists: true } }, ['city'], api);
      expect(data!.breakdown![0]!.values.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => `City ${String(n).padStart(2, '0')}`));
      expect(data).toMatchObject({ size: 27, breakdown: [{ other: 5, missing: 2 }] });
      expect((await preview({ city: 'Atlantis' }, ['city'], api)).data).toEqual({ size: 0, sample: [], breakdown: [{ field: 'city', values: [], other: 0, missing: 0 }] });
    });

    test('refuses a field that is no category, and too many', async () => {
      const names = async (breakdown: string[]) => (await preview({ city: 'Rome' }, breakdown)).error!.errors!.map(({ pointer }) => pointer);
      expect(await names(['city', 'email', 'nope'])).toEqual(['/breakdown/1', '/breakdown/2']);
      expect(await names(['campaign.opened'])).toEqual(['/breakdown/0']);
      expect(await names(['city', 'tags', 'locale', 'timezone'])).toEqual(['/breakdown']);
    });

    test('shows whoever matches, however far they are from the first customers', async () => {
      const tenant = newTenant();
      await addCustomers(app, [{ id: 'near', city: 'Rome' }, { id: 'far', city: 'Rome' }, { id: 'farther', city: 'Bern' }], tenant);
      await app.sql(`UPDATE customers SET customer_no = customer_no + 400000 WHERE tenant_id = $1 AND customer_id <> 'near'`, [(await tenantOf(app, tenant)).id]);
      for (const breakdown of [undefined, ['city']]) {
        const { data } = await preview({ city: { exists: true } }, breakdown, app.api(['marketing'], tenant));
        expect(data!.size).toBe(3);
        expect(data!.sample.map(({ customer_id }) => customer_id).sort()).toEqual(['far', 'farther', 'near']);
      }
    });
  });

  describe('an overlap', () => {
    const overlap = (segment_ids: string[], api = app.api()) => api.POST(OVERLAP, { body: { segment_ids } });

    test('has the size of every combination, and of all together', async () => {
      const [one, two, three] = [await listOf(['ada', 'bob', 'cyd']), await listOf(['bob', 'cyd']), await listOf(['cyd', 'dan'])];
      const { data } = await overlap([one, two, three]);
      expect(data!.segments.map(({ id, size }) => [id, size])).toEqual([[one, 3], [two, 2], [three, 2]]);
      expect(data!.union_size).toBe(4);
      expect(data!.overlaps).toEqual([
        { segment_ids: [one], size: 3, exclusive: 1 },
        { segment_ids: [two], size: 2, exclusive: 0 },
        { segment_ids: [three], size: 2, exclusive: 1 },
        { segment_ids: [one, two], size: 2, exclusive: 1 },
        { segment_ids: [one, three], size: 1, exclusive: 0 },
        { segment_ids: [two, three], size: 1, exclusive: 0 },
        { segment_ids: [one, two, three], size: 1, exclusive: 1 },
      ]);
    });

    test('of empty segments is nothing', async () => {
      const { data } = await overlap([await listOf([]), await listOf([])]);
      expect(data).toMatchObject({ union_size: 0, overlaps: [{ size: 0 }, { size: 0 }, { size: 0, exclusive: 0 }] });
    });

    test('refuses segments that are unknown, or another tenant’s, or told twice', async () => {
      const id = await listOf(['ada']);
      const { error } = await overlap([id, 'seg_ghost', await listOf([], app.api(['marketing'], newTenant()))]);
      expect(error).toMatchObject({ status: 400, code: 'validation_failed', errors: [{ pointer: '/segment_ids/1', code: 'unknown_segment' }, { pointer: '/segment_ids/2', code: 'unknown_segment' }] });
      expect((await overlap([id])).error).toMatchObject({ status: 400, errors: [{ pointer: '/segment_ids' }] });
      expect((await overlap([id, id])).error).toMatchObject({ status: 400, errors: [{ pointer: '/segment_ids' }] });
    });
  });

  describe('the history', () => {
    const days = async (id: string, query: { from?: string; to?: string } = {}, tenant = app.tenant) => (await app.api(['marketing'], tenant).GET(HISTORY, { params: { path: { segment_id: id }, query } })).data!.data;
    const date = (ago = 0) => new Date(app.clock.now().getTime() - ago * DAY).toISOString().slice(0, 10);
    const remove = (segment_id: string, customer_id: string) => app.api().DELETE('/api/v1/marketing/segments/{segment_id}/members/{customer_id}', { params: { path: { segment_id, customer_id } } });

    test('has a row a day since the segment was made, with what moved', async () => {
      const id = await listOf(['ada', 'bob', 'cyd']);
      await remove(id, 'bob');
      // Three days ago, and made the day before that.
      await app.sql(`UPDATE segment_history SET day = day - 3 FROM segments s WHERE s.segment_id = $1 AND segment_history.segment_no = s.segment_no`, [id]);
      await app.sql(`UPDATE segments SET created_at = created_at - interval '4 days' WHERE segment_id = $1`, [id]);
      await app.api().POST(MEMBERS, { ...at(id), body: { customer_ids: ['bob', 'dan'] } });
      expect(await days(id)).toEqual([
        { date: date(4), size: 0, entered: 0, exited: 0 },
        { date: date(3), size: 2, entered: 3, exited: 1 },
        { date: date(2), size: 2, entered: 0, exited: 0 },
        { date: date(1), size: 2, entered: 0, exited: 0 },
        { date: date(), size: 4, entered: 2, exited: 0 },
      ]);
      expect(await days(id, { from: date(2), to: date(1) })).toEqual([{ date: date(2), size: 2, entered: 0, exited: 0 }, { date: date(1), size: 2, entered: 0, exited: 0 }]);
      expect(await days(id, { from: date(1), to: date(-3) })).toHaveLength(2); // tomorrow has no size yet
    });

    test('counts what the computing of a dynamic segment moved, and an erasure', async () => {
      await addCustomers(app, [{ id: 'eve', city: 'Oslo' }, { id: 'fay', city: 'Oslo' }]);
      const { data } = await app.api().POST(SEGMENTS, { body: { name: 'Oslo', type: 'dynamic', criteria: { city: 'Oslo' } } });
      expect(await days(data!.id)).toEqual([{ date: date(), size: 2, entered: 2, exited: 0 }]);
      await app.api().DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'eve' } } });
      expect(await days(data!.id)).toEqual([{ date: date(), size: 1, entered: 2, exited: 1 }]);
    });

    test('is of the tenant’s own days', async () => {
      const tenant = newTenant();
      const api = app.api(['tenant_admin'], tenant);
      // Fourteen hours ahead and eleven behind: at no moment is it the same day in both.
      await api.PATCH('/api/v1/marketing/settings', { body: { timezone: 'Pacific/Kiritimati' } });
      const id = await listOf([], api);
      await addCustomers(app, [{ id: 'gil' }], tenant);
      await api.POST(MEMBERS, { ...at(id), body: { customer_ids: ['gil'] } });
      const todayIn = (timeZone: string) => new Intl.DateTimeFormat('en-CA', { timeZone }).format(app.clock.now());
      expect(await days(id, {}, tenant)).toEqual([{ date: todayIn('Pacific/Kiritimati'), size: 1, entered: 1, exited: 0 }]);
      await api.PATCH('/api/v1/marketing/settings', { body: { timezone: 'Pacific/Pago_Pago' } });
      expect(await days(id, {}, tenant)).toEqual([{ date: todayIn('Pacific/Pago_Pago'), size: 1, entered: 1, exited: 0 }]); // still yesterday there: what happened tomorrow happened today
    });

    test('goes with the segment', async () => {
      const id = await listOf(['ada']);
      await app.api().DELETE(SEGMENT, at(id));
      expect((await app.api().GET(HISTORY, at(id))).error).toMatchObject({ status: 404, code: 'segment_not_found' });
      expect(await app.sql('SELECT 1 FROM segment_history h WHERE NOT EXISTS (SELECT 1 FROM segments s WHERE s.segment_no = h.segment_no)')).toEqual([]);
    });

    test('refuses a period that is reversed or longer than a year', async () => {
      const ask = async (query: { from?: string; to?: string }) => (await app.api().GET(HISTORY, { params: { path: { segment_id: 'seg_all_customers' }, query } })).error?.errors?.map(({ parameter, code }) => `${parameter} ${code}`);
      expect(await ask({ from: '2026-02-02', to: '2026-02-01' })).toEqual(['to reversed']);
      expect(await ask({ from: '2025-01-01', to: '2026-01-02' })).toEqual(['from period_too_long']);
      expect(await ask({ from: '2025-01-01', to: '2026-01-01' })).toBeUndefined();
    });
  });

  describe('an export', () => {
    const exported = (id: string, tenant = app.tenant) => app.fetch(`${SEGMENTS}/${id}/export`, { token: token(tenant) });

    test('is a CSV file of the members, quoted as RFC 4180 says, with formulas defused', async () => {
      await addCustomers(app, [
        { id: '=1+1', first_name: '@SUM(A1)', last_name: '-2+3', phone: '+14155552671', city: 'Rome, "the" city', tags: ['+a', 'b'], birthday: '1990-12-10', loyalty_points: -5 },
        { id: 'plain', email: 'plain@example.com' },
      ]);
      const id = await listOf(['=1+1', 'plain']);
      const response = await exported(id);
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}.csv"`);
      const text = await response.text();
      expect(text.split('\r\n')).toHaveLength(4);
      expect(text).toContain('"Rome, ""the"" city"');
      const [first, second] = parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });
      expect(first).toEqual({
        customer_id: "'=1+1", email: '', phone: "'+14155552671", first_name: "'@SUM(A1)", last_name: "'-2+3", locale: '', timezone: '', birthday: '1990-12-10', city: 'Rome, "the" city',
        loyalty_tier: '', loyalty_points: '-5', tags: "'+a|b", ...Object.fromEntries(['email', 'sms', 'push'].flatMap((channel) => [[`consents.${channel}.status`, 'unknown'], [`consents.${channel}.source`, ''], [`consents.${channel}.at`, '']])),
      });
      expect(second).toMatchObject({ customer_id: 'plain', email: 'plain@example.com', phone: '' });
    });

    test('has all members, page by page, and no one else’s', async () => {
      const tenant = newTenant();
      const ids = Array.from({ length: 2_500 }, (_, n) => `c${n}`);
      await app.nest.get(Database).inTenant(await tenantOf(app, tenant), async (tx) => {
        await tx.query(`INSERT INTO customers (tenant_id, customer_no, customer_id, created_at, updated_at) SELECT $1, n, 'c' || n, now(), now() FROM generate_series(0, 2499) n`, [(await tenantOf(app, tenant)).id]);
      });
      const id = await listOf(ids, app.api(['marketing'], tenant));
      const rows = (await (await exported(id, tenant)).text()).trimEnd().split('\r\n');
      expect(rows.slice(1).map((row) => row.split(',')[0])).toEqual(ids);
      expect((await exported(id)).status).toBe(404);
      expect((await (await exported(await listOf([]))).text()).split('\r\n')).toHaveLength(2); // a header
    });

    test('ends when the caller goes', async () => {
      const tenant = await tenantOf(app, newTenant());
      await app.sql(`INSERT INTO customers (tenant_id, customer_no, customer_id, first_name, created_at, updated_at) SELECT $1, n, 'c' || n, repeat('x', 2000), now(), now() FROM generate_series(0, 39999) n`, [tenant.id]);
      const id = await listOf([], app.api(['marketing'], tenant.name));
      await app.sql('INSERT INTO segment_members SELECT $1, segment_no, n FROM segments, generate_series(0, 39999) n WHERE segment_id = $2', [tenant.id, id]);
      const reading = async () => (await app.sql(`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ORDER BY c.customer_no%' AND pid <> pg_backend_pid()`)).length;
      const caller = new AbortController();
      const response = await app.fetch(`${SEGMENTS}/${id}/export`, { token: token(tenant.name), signal: caller.signal });
      try {
        await response.body!.getReader().read();
        await eventually(async () => expect(await reading()).toBe(1)); // what came first is the header, before the first page was asked for
      } finally {
        caller.abort(); // an open answer would hold up the app's end
      }
      await eventually(async () => expect(await reading()).toBe(0), { within: 5_000 });
    });

    test('is of one instant, whatever becomes of the segment while it is read', async () => {
      const tenant = await tenantOf(app, newTenant());
      const api = app.api(['marketing'], tenant.name);
      await app.sql(`INSERT INTO customers (tenant_id, customer_no, customer_id, city, first_name, created_at, updated_at) SELECT $1, n, 'c' || n, CASE WHEN n % 2 = 0 THEN 'Rome' ELSE 'Bern' END, repeat('x', 2000), now(), now() FROM generate_series(0, 19999) n`, [tenant.id]);
      const { data: segment } = await api.POST(SEGMENTS, { body: { name: 'Romans', type: 'dynamic', criteria: { city: 'Rome' } } });
      const lines = (await exported(segment!.id, tenant.name)).body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await lines.read()).value!;
      await api.PATCH(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: segment!.id } }, body: { criteria: { city: 'Bern' } as never } });
      for (let next = await lines.read(); !next.done; next = await lines.read()) text += next.value;
      const cities = parse<{ city: string }>(text, { columns: true, record_delimiter: '\r\n' }).map(({ city }) => city);
      expect([cities.length, ...new Set(cities)]).toEqual([10_000, 'Rome']);
    });

    test('is kept in the audit log', async () => {
      const id = await listOf(['ada']);
      await (await exported(id)).text();
      const { data } = await app.api().GET('/api/v1/marketing/audit-log');
      expect(data!.data[0]).toMatchObject({ action: 'segment.exported', detail: { segment_id: id, size: 1 } });
    });
  });
});

import { startApp, type TestApp } from './support/app.js';

const BASE = '/api/v1/marketing';

describe('a cursor', () => {
  let app: TestApp;
  let other: string;
  const lists: string[] = ['campaigns', 'customers', 'segments', 'promos', 'imports', 'audit-log'];

  beforeAll(async () => {
    app = await startApp();
    const api = app.api();
    for (const n of [1, 2, 3]) {
      await api.POST(`${BASE}/campaigns`, { body: { name: `C${n}`, type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' } });
      await api.POST(`${BASE}/promos`, { body: { code: `CURSOR${n}`, type: 'percentage', value: 5 } });
      await api.PUT(`${BASE}/customers/{customer_id}`, { params: { path: { customer_id: `c${n}` } }, body: { city: 'Rome' } });
      await app.fetch(`${BASE}/customers/import`, { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'customer_id\nc1\n' });
      await api.PATCH(`${BASE}/settings`, { body: { timezone: n === 2 ? 'UTC' : 'Europe/Rome' } });
    }
    const events = [1, 2].map((n) => ({ id: `e${n}`, type: 'menu_viewed', customer_id: 'c1', occurred_at: `2026-01-0${n}T00:00:00Z` }));
    await api.POST(`${BASE}/events`, { body: { events: [...events, { ...events[0]!, id: 'e3', customer_id: 'c2' }, { ...events[1]!, id: 'e4', customer_id: 'c2' }] } });
    lists.push('customers/c1/timeline', 'customers/c2/timeline');
    for (const name of ['A', 'B']) {
      const { data } = await api.POST(`${BASE}/segments`, { body: { name, type: 'static' } });
      await api.POST(`${BASE}/segments/{segment_id}/members`, { params: { path: { segment_id: data!.id } }, body: { customer_ids: ['c1', 'c2', 'c3'] } });
      lists.push(`segments/${data!.id}/members`);
    }
    other = lists.at(-1)!;
  });
  afterAll(() => app.close());

  const get = async (list: string, query: Record<string, string>) => {
    const response = await app.fetch(`${BASE}/${list}?${new URLSearchParams(query).toString()}`);
    return { status: response.status, ...((await response.json()) as { code?: string; errors?: object[]; meta: { next_cursor: string | null } }) };
  };
  const cursorOf = async (list: string, query: Record<string, string> = {}): Promise<string> => (await get(list, { limit: '1', ...query })).meta.next_cursor!;
  const REFUSED = { status: 400, code: 'validation_failed', errors: [{ parameter: 'cursor', code: 'invalid_cursor' }] };

  test('goes on where it was handed out, at any limit, and nowhere else', async () => {
    for (const from of lists) {
      const cursor = await cursorOf(from);
      expect([from, typeof cursor, cursor.length < 60]).toEqual([from, 'string', true]);
      for (const to of lists) expect([from, to, await get(to, { cursor, limit: '7' })]).toMatchObject([from, to, from === to ? { status: 200 } : REFUSED]);
    }
  });

  test('is of its filters, too, in any order', async () => {
    const cursor = await cursorOf('customers', { city: 'Rome', q: 'c' });
    expect(await get('customers', { q: 'c', cursor, city: 'Rome' })).toMatchObject({ status: 200 });
    for (const query of [{}, { city: 'Rome' }, { city: 'Bern', q: 'c' }, { city: 'Rome', q: 'c', tag: 'vip' }]) expect(await get('customers', { ...query, cursor } as Record<string, string>)).toMatchObject(REFUSED);
    expect(await get('campaigns', { cursor: await cursorOf('campaigns'), status: 'draft' })).toMatchObject(REFUSED);
    expect(await get('promos', { cursor: await cursorOf('promos', { type: 'percentage' }) })).toMatchObject(REFUSED);
  });

  test('that nobody handed out is refused, whatever is in it', async () => {
    for (const list of lists) {
      const mark = (await cursorOf(list)).slice(0, 6);
      const keys = [[], [null], [1e308], [2 ** 53, 2 ** 53], ['\u0000'], ["'; --"], [[1]], [{}], [-1e15, 1], [9e15, 0], [1, -1], { 0: 1 }, 7, null];
      for (const key of keys) expect([list, key, await get(list, { cursor: mark + Buffer.from(JSON.stringify(key)).toString('base64url') })]).toMatchObject([list, key, REFUSED]);
      for (const cursor of ['', 'x', mark, mark + 'x', mark.slice(1), `${mark}bm9uc2Vuc2U`, '0'.repeat(600)]) {
        expect([list, cursor, await get(list, { cursor })]).toMatchObject([list, cursor, { status: 400, code: 'validation_failed', errors: [{ parameter: 'cursor' }] }]);
      }
    }
    expect(await get(other, { cursor: await cursorOf(other), page: '1' })).toMatchObject({ status: 400, errors: [{ parameter: 'page' }] });
  });
});

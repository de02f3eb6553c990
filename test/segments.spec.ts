import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { newTenant } from './support/tokens.js';

const SEGMENTS = '/api/v1/marketing/segments';
const SEGMENT = '/api/v1/marketing/segments/{segment_id}';
const MEMBERS = '/api/v1/marketing/segments/{segment_id}/members';
const DAY = 86_400_000;

const HIGH_VALUE = { name: 'High Value Customers', type: 'dynamic', criteria: { total_spent: { gte: 500 }, order_count: { gte: 10 }, loyalty_tier: { in: ['gold', 'platinum'] } } } as const;

describe('segments', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    await addCustomers(app, [
      { id: 'ada', email: 'ada@example.com', first_name: 'Ada', loyalty_tier: 'gold', orders: { count: 12, spent: 60_000, ago: 45 * DAY } },
      { id: 'bob', loyalty_tier: 'platinum', tags: ['vip'], orders: { count: 10, spent: 50_000, ago: DAY } },
      { id: 'cyd', loyalty_tier: 'gold', orders: { count: 10, spent: 49_999, ago: DAY } },
      { id: 'dan' },
    ]);
  });
  afterAll(() => app.close());

  const create = (body: object, tenant = app.tenant) => app.api(['marketing'], tenant).POST(SEGMENTS, { body: body as never });
  const at = (segment_id: string) => ({ params: { path: { segment_id } } });
  const get = async (id: string) => (await app.api().GET(SEGMENT, at(id))).data!;
  const membersOf = async (id: string) => (await app.api().GET(MEMBERS, at(id))).data!.data.map((member) => member.customer_id);
  const newStatic = async (name = 'Friends') => (await create({ name, type: 'static' })).data!.id;

  test('the reference’s own request makes a segment whose size is true at once', async () => {
    const { data, response } = await create(HIGH_VALUE);
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe(`${SEGMENTS}/${data!.id}`);
    expect(data).toMatchObject({ ...HIGH_VALUE, size: 2, id: expect.stringMatching(/^seg_/), last_updated: expect.any(String) });
    expect(await get(data!.id)).toEqual(data);
    expect(await membersOf(data!.id)).toEqual(['ada', 'bob']);
  });

  test('every tenant has the four well-known ones', async () => {
    const { data } = await app.api(['marketing'], newTenant()).GET(SEGMENTS);
    expect(data!.data.map(({ id, criteria }) => [id, criteria])).toEqual([
      ['seg_inactive_30', { last_order_days_ago: { gte: 30 } }],
      ['seg_loyalty_gold', { loyalty_tier: 'gold' }],
      ['seg_new_customers', { days_since_signup: { lt: 30 } }],
      ['seg_all_customers', { customer_id: { exists: true } }],
    ]);
    expect(data!.data.every(({ type, size }) => type === 'dynamic' && size === 0)).toBe(true);
    expect(data!.meta).toMatchObject({ total: 4, has_more: false });
    const { error } = await app.api().DELETE(SEGMENT, at('seg_all_customers'));
    expect(error).toMatchObject({ status: 409, code: 'invalid_state' });
  });

  test('that of all customers holds them all: its criteria stay, those of the others are the tenant’s to say', async () => {
    const patch = (id: string, body: object) => app.api().PATCH('/api/v1/marketing/segments/{segment_id}', { ...at(id), body });
    expect((await patch('seg_all_customers', { criteria: { city: 'x' } })).error).toMatchObject({ status: 409, code: 'invalid_state' });
    expect((await patch('seg_all_customers', { name: 'Alle', criteria: { customer_id: { exists: true } } })).data).toMatchObject({ name: 'Alle' });
    expect((await patch('seg_all_customers', { criteria: { nonsense: 1 } })).error).toMatchObject({ status: 400, code: 'invalid_segment_criteria' });
    expect((await patch('seg_all_customers', { name: 'All Customers' })).data).toMatchObject({ name: 'All Customers', criteria: { customer_id: { exists: true } } });
    expect((await patch('seg_inactive_30', { criteria: { last_order_days_ago: { gte: 31 } } })).data).toMatchObject({ criteria: { last_order_days_ago: { gte: 31 } } });
    expect((await patch('seg_inactive_30', { criteria: { last_order_days_ago: { gte: 30 } } })).response.status).toBe(200);
  });

  test('the list pages by cursor, and by type', async () => {
    const tenant = newTenant();
    const api = app.api(['marketing'], tenant);
    for (const name of ['one', 'two', 'three']) await create({ name, type: 'static' }, tenant);
    const { data: first } = await api.GET(SEGMENTS, { params: { query: { type: 'static', limit: 2 } } });
    expect(first!.data.map(({ name }) => name)).toEqual(['three', 'two']);
    expect(first!.meta).toMatchObject({ total: 3, has_more: true });
    const { data: rest } = await api.GET(SEGMENTS, { params: { query: { type: 'static', limit: 2, cursor: first!.meta.next_cursor! } } });
    expect(rest!.data.map(({ name }) => name)).toEqual(['one']);
    expect((await api.GET(SEGMENTS, { params: { query: { cursor: 'bm9uc2Vuc2U' } } })).error).toMatchObject({ code: 'validation_failed', errors: [{ parameter: 'cursor' }] });
  });

  test('every fault of criteria is told at once, and wins over the body’s other faults', async () => {
    const { error } = await create({
      type: 'dynamic', colour: 'red',
      criteria: { all: [{ total_spent: { gte: '500', near: 1 } }, { total_spent: { between: [9, 3] } }, { any: [] }, {}, { nope: 1 }, { segment: { in: ['seg_ghost'] } }, { event: { count: 0.5 } }] },
    });
    expect(error).toMatchObject({ status: 400, code: 'invalid_segment_criteria' });
    expect(error!.errors!.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
      '/colour unknown_property',
      '/criteria/all/0/total_spent/gte invalid_value',
      '/criteria/all/0/total_spent/near unknown_operator',
      '/criteria/all/1/total_spent/between reversed',
      '/criteria/all/2/any empty',
      '/criteria/all/3 empty',
      '/criteria/all/4/nope unknown_field',
      '/criteria/all/5/segment/in/0 unknown_segment',
      '/criteria/all/6/event/count invalid_value',
      '/criteria/all/6/event/name required',
      '/name is_string', '/name max_length', '/name min_length',
    ].sort());
  });

  test.each([
    ['a dynamic segment without criteria', { name: 'x', type: 'dynamic' }],
    ['criteria that are null', { name: 'x', type: 'dynamic', criteria: null }],
    ['criteria that are a list', { name: 'x', type: 'dynamic', criteria: [] }],
    ['empty criteria', { name: 'x', type: 'dynamic', criteria: {} }],
    ['a static segment with criteria', { name: 'x', type: 'static', criteria: { city: 'Rome' } }],
    ['more decimals than the currency has', { name: 'x', type: 'dynamic', criteria: { total_spent: { gte: 1.005 } } }],
  ])('%s: invalid_segment_criteria', async (_, body) => {
    expect((await create(body)).error).toMatchObject({ status: 400, code: 'invalid_segment_criteria', errors: [{ pointer: expect.stringMatching('^/criteria') }] });
  });

  test('other faults of the body are told as everywhere', async () => {
    expect((await create({ name: '', type: 'odd' })).error).toMatchObject({ status: 400, code: 'validation_failed' });
    const response = await app.fetch(SEGMENTS, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[]' });
    expect(response.status).toBe(400);
  });

  test('a patch changes what it names; new criteria are computed at once', async () => {
    const { data } = await create(HIGH_VALUE);
    const patch = (body: object, etag?: string) => app.api().PATCH(SEGMENT, { ...at(data!.id), body: body as never, headers: etag ? { 'If-Match': etag } : {} });
    const { data: renamed, response } = await patch({ name: 'Best', description: 'of all' });
    expect(renamed).toMatchObject({ name: 'Best', description: 'of all', criteria: HIGH_VALUE.criteria, size: 2 });
    expect((await patch({ name: 'Late' }, '"1"')).error).toMatchObject({ code: 'version_conflict' });
    const { data: narrowed } = await patch({ criteria: { tags: 'vip' } }, response.headers.get('etag')!);
    expect(narrowed).toMatchObject({ name: 'Best', description: 'of all', size: 1, criteria: { tags: 'vip' } });
    expect(await membersOf(data!.id)).toEqual(['bob']);
    expect((await patch({ criteria: null })).error).toMatchObject({ code: 'invalid_segment_criteria' });
    expect((await patch({ type: 'static' })).error).toMatchObject({ code: 'validation_failed' });
  });

  test('new criteria swap the members at once: nobody sees a half of them', async () => {
    const tenant = newTenant();
    const api = app.api(['marketing'], tenant);
    await api.GET(SEGMENTS);
    // Far apart, so that they are computed in several steps.
    await app.sql(`INSERT INTO customers (tenant_id, customer_no, customer_id, city, created_at, updated_at)
      SELECT id, n * 100, 'c' || n, CASE WHEN n % 3 = 0 THEN 'Rome' ELSE 'Bern' END, now(), now() FROM tenants, generate_series(1, 3000) n WHERE name = $1`, [tenant]);
    const { data } = await api.POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: { city: 'Rome' } } });
    const seen = new Set<string>();
    let patching = true;
    const watching = (async () => {
      while (patching) {
        const [look] = await app.sql<{ look: string }>(`SELECT concat_ws('/', s.criteria->>'city', s.size, count(*), min(c.city), max(c.city)) AS look FROM segments s JOIN segment_members m USING (tenant_id, segment_no)
          JOIN customers c USING (tenant_id, customer_no) WHERE s.segment_id = $1 GROUP BY s.criteria, s.size`, [data!.id]);
        seen.add(look?.look ?? 'empty');
      }
    })();
    for (const city of ['Bern', 'Rome', 'Bern', 'Rome', 'Bern', 'Rome']) await api.PATCH(SEGMENT, { ...at(data!.id), body: { criteria: { city } } });
    patching = false;
    await watching;
    expect([...seen].sort()).toEqual(['Bern/2000/2000/Bern/Bern', 'Rome/1000/1000/Rome/Rome']);
  });

  test('a static segment holds whom it is given', async () => {
    const id = await newStatic();
    const add = (customer_ids: string[]) => app.api().POST(MEMBERS, { ...at(id), body: { customer_ids } });
    expect((await add(['ada', 'bob', 'ada', 'ghost'])).data).toEqual({ added: 2, already: 0, unknown: ['ghost'] });
    expect((await add(['bob', 'cyd'])).data).toEqual({ added: 1, already: 1, unknown: [] });
    expect((await get(id)).size).toBe(3);
    const remove = (customer_id: string) => app.api().DELETE('/api/v1/marketing/segments/{segment_id}/members/{customer_id}', { params: { path: { segment_id: id, customer_id } } });
    expect((await remove('bob')).response.status).toBe(204);
    expect((await remove('bob')).error).toMatchObject({ code: 'segment_member_not_found' });
    expect((await remove('ghost')).error).toMatchObject({ code: 'segment_member_not_found' });
    expect(await membersOf(id)).toEqual(['ada', 'cyd']);
    expect((await get(id)).size).toBe(2);
    const { data } = await app.api().GET(MEMBERS, { params: { path: { segment_id: id }, query: { limit: 1 } } });
    expect(data!.data).toEqual([{ customer_id: 'ada', email: 'ada@example.com', first_name: 'Ada', last_name: null }]);
    expect(data!.meta).toMatchObject({ total: 2, has_more: true });
    const { data: rest } = await app.api().GET(MEMBERS, { params: { path: { segment_id: id }, query: { limit: 1, cursor: data!.meta.next_cursor! } } });
    expect(rest!.data.map((member) => member.customer_id)).toEqual(['cyd']);
  });

  test('an action on a segment of the wrong type is refused', async () => {
    const list = await newStatic();
    const { data: dynamic } = await create(HIGH_VALUE);
    const refused = { status: 409, code: 'invalid_state' };
    expect((await app.api().POST(MEMBERS, { ...at(dynamic!.id), body: { customer_ids: ['dan'] } })).error).toMatchObject(refused);
    expect((await app.api().POST('/api/v1/marketing/segments/{segment_id}/refresh', at(list))).error).toMatchObject(refused);
    expect((await app.api().POST('/api/v1/marketing/segments/{segment_id}/refresh', at(dynamic!.id))).data).toMatchObject({ size: 2 });
  });

  test('a preview counts and shows, and keeps nothing', async () => {
    const preview = (criteria: Record<string, unknown>) => app.api(['marketing']).POST('/api/v1/marketing/segments/preview', { body: { criteria } });
    const { data } = await preview({ loyalty_tier: 'gold' });
    expect(data!.size).toBe(2);
    expect(data!.sample.map((one) => one.customer_id).sort()).toEqual(['ada', 'cyd']);
    expect((await preview({ last_order_days_ago: { gte: 30 } })).data!.sample).toMatchObject([{ customer_id: 'ada' }]);
    expect((await preview({ not: { last_order_days_ago: { lt: 30 } } })).data!.size).toBe(2);
    expect((await preview({ city: 'Atlantis' })).data).toEqual({ size: 0, sample: [] });
    expect((await preview({})).error).toMatchObject({ code: 'invalid_segment_criteria' });
  });

  test('the fields are told with their operators', async () => {
    const { data } = await app.api().GET('/api/v1/marketing/segments/fields');
    expect(data!.data).toContainEqual(expect.objectContaining({ name: 'birthday', operators: expect.arrayContaining(['in_next_days']) }));
    expect(data!.data).toContainEqual(expect.objectContaining({ name: 'consent.sms', values: ['subscribed', 'unsubscribed', 'unknown'] }));
    expect(data!.data).toContainEqual(expect.objectContaining({ name: 'attributes.<name>' }));
  });

  test('segments may refer to segments, but not in a circle, and stay while they are needed', async () => {
    const { data: gold } = await create({ name: 'Gold', type: 'dynamic', criteria: { loyalty_tier: 'gold' } });
    const { data: behind } = await create({ name: 'Gold who spent', type: 'dynamic', criteria: { segment: { in: [gold!.id] }, total_spent: { gte: 500 } } });
    expect(await membersOf(behind!.id)).toEqual(['ada']);
    const circle = await app.api().PATCH(SEGMENT, { ...at(gold!.id), body: { criteria: { any: [{ city: 'Rome' }, { segment: { in: [behind!.id, gold!.id] } }] } } });
    expect(circle.error!.errors!.map(({ pointer, code }) => [pointer, code])).toEqual([['/criteria/any/1/segment/in/0', 'segment_cycle'], ['/criteria/any/1/segment/in/1', 'segment_cycle']]);
    expect((await app.api().DELETE(SEGMENT, at(gold!.id))).error).toMatchObject({ code: 'invalid_state', detail: expect.stringContaining(behind!.id) });
    await app.api().PATCH(SEGMENT, { ...at(gold!.id), body: { criteria: { loyalty_tier: 'platinum' } } });
    expect(await membersOf(behind!.id)).toEqual(['bob']);
    expect((await app.api().DELETE(SEGMENT, at(behind!.id))).response.status).toBe(204);
    expect((await app.api().DELETE(SEGMENT, at(gold!.id))).response.status).toBe(204);
    expect((await app.api().GET(SEGMENT, at(gold!.id))).error).toMatchObject({ code: 'segment_not_found' });
    expect(await app.sql('SELECT 1 FROM segment_members m JOIN tenants t ON t.id = m.tenant_id WHERE t.name = $1 AND NOT EXISTS (SELECT 1 FROM segments s WHERE s.segment_no = m.segment_no)', [app.tenant])).toEqual([]);
  });

  test('another tenant’s segment is one that does not exist', async () => {
    const id = await newStatic('Ours');
    const stranger = app.api(['super_admin'], newTenant());
    const missing = { status: 404, code: 'segment_not_found' };
    expect((await stranger.GET(SEGMENT, at(id))).error).toMatchObject(missing);
    expect((await stranger.PATCH(SEGMENT, { ...at(id), body: { name: 'Mine' } })).error).toMatchObject(missing);
    expect((await stranger.DELETE(SEGMENT, at(id))).error).toMatchObject(missing);
    expect((await stranger.GET(MEMBERS, at(id))).error).toMatchObject(missing);
    expect((await stranger.POST(MEMBERS, { ...at(id), body: { customer_ids: ['ada'] } })).error).toMatchObject(missing);
    expect((await stranger.POST('/api/v1/marketing/segments/{segment_id}/refresh', at(id))).error).toMatchObject(missing);
    const own = await stranger.POST(SEGMENTS, { body: { name: 'x', type: 'dynamic', criteria: { segment: { in: [id] } } } });
    expect(own.error).toMatchObject({ code: 'invalid_segment_criteria', errors: [{ code: 'unknown_segment' }] });
    const { data: list } = await stranger.POST(SEGMENTS, { body: { name: 'Theirs', type: 'static' } });
    expect((await stranger.POST(MEMBERS, { ...at(list!.id), body: { customer_ids: ['ada'] } })).data).toEqual({ added: 0, already: 0, unknown: ['ada'] });
  });

  test('a repeated creation with the same key is the same segment', async () => {
    const post = () => app.api().POST(SEGMENTS, { body: { name: 'Once', type: 'static' }, headers: { 'Idempotency-Key': 'once' } });
    const [first, second] = [await post(), await post()];
    expect(second.data).toEqual(first.data);
    expect(second.response.headers.get('idempotency-replayed')).toBe('true');
  });
});

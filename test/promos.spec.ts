import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

const PROMOS = '/api/v1/marketing/promos';
const PROMO = '/api/v1/marketing/promos/{promo_id}';

describe('promo codes', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const create = (body: object, tenant = app.tenant) => app.api(['marketing'], tenant).POST(PROMOS, { body: body as never });
  const faultsOf = async (body: object) => {
    const { error, response } = await create(body);
    return { status: response.status, code: error?.code, pointers: error?.errors?.map(({ pointer }) => pointer).sort() };
  };

  test('the reference’s own request is accepted and comes back with what we add', async () => {
    const body = {
      code: 'WELCOME20', type: 'percentage', value: 20, min_order_amount: 25.0, max_discount: 50.0, usage_limit: 1000, per_customer_limit: 1,
      valid_from: '2026-01-01T00:00:00Z', valid_until: '2026-12-31T23:59:59Z', applies_to: { all_items: true }, customer_segment_id: 'seg_new_customers',
    };
    const { data, response } = await create(body);
    expect(response.status).toBe(201);
    expect(data).toMatchObject({ ...body, valid_from: '2026-01-01T00:00:00.000Z', valid_until: '2026-12-31T23:59:59.000Z', status: 'active', uses: 0 });
    expect(response.headers.get('location')).toBe(`${PROMOS}/${data!.id}`);
    const got = await app.api().GET(PROMO, { params: { path: { promo_id: data!.id } } });
    expect(got.data).toEqual(data);
    expect(got.response.headers.get('etag')).toBe('"1"');
  });

  test('a code is one whatever its case and blanks, and taken until it is archived', async () => {
    const { data: first } = await create({ code: ' spring-5 ', type: 'fixed_amount', value: 5 });
    expect(first!.code).toBe('SPRING-5');
    expect((await create({ code: 'Spring-5', type: 'percentage', value: 10 })).error).toMatchObject({ status: 409, code: 'promo_code_exists' });
    expect((await create({ code: 'Spring-5', type: 'percentage', value: 10 }, newTenant())).response.status).toBe(201);
    await app.api().POST('/api/v1/marketing/promos/{promo_id}/archive', { params: { path: { promo_id: first!.id } } });
    expect((await create({ code: 'SPRING-5', type: 'percentage', value: 10 })).response.status).toBe(201);
  });

  test('of many who want one code at once, one gets it', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => create({ code: 'ONLYONE', type: 'percentage', value: 10 })));
    expect(answers.map(({ response }) => response.status).sort()).toEqual([201, ...Array<number>(11).fill(409)]);
  });

  test.each(['ab', '-LEAD', 'SPACE INSIDE', 'STRASSE-ß', 'A'.repeat(33), 17, null])('%p is no code, whatever else is wrong', async (code) => {
    expect(await faultsOf({ code, type: 'nonsense', value: -1 })).toMatchObject({ status: 400, code: 'invalid_promo_code' });
  });

  test('every fault of the terms is told with its pointer', async () => {
    expect(await faultsOf({ code: 'FAULTS', type: 'fixed_amount', value: 5.001, min_order_amount: 1.234, budget: 1e15, valid_from: '2026-02-01T00:00:00Z', valid_until: '2026-02-01T00:00:00Z' })).toEqual({
      status: 400, code: 'validation_failed', pointers: ['/budget', '/min_order_amount', '/valid_until', '/value'],
    });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 100.01 })).toMatchObject({ status: 400, pointers: ['/value'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 0 })).toMatchObject({ status: 400, pointers: ['/value'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 12.345 })).toMatchObject({ status: 400, pointers: ['/value'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage' })).toMatchObject({ status: 400, pointers: ['/value'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'free_delivery', value: 3 })).toMatchObject({ status: 400, pointers: ['/value'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'buy_x_get_y' })).toMatchObject({ status: 400, pointers: ['/type'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, valid_from: '2026-02-31T00:00:00Z' })).toMatchObject({ status: 400, pointers: ['/valid_from'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, valid_from: '2026-02-01' })).toMatchObject({ status: 400, pointers: ['/valid_from'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, schedule: { from: '22:00' } })).toMatchObject({ status: 400, pointers: ['/schedule'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, applies_to: { all_items: true, item_ids: ['a'] } })).toMatchObject({ status: 400, pointers: ['/applies_to/all_items'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, applies_to: {} })).toMatchObject({ status: 400, pointers: ['/applies_to'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, usage_limit: 0, colour: 'red' })).toMatchObject({ status: 400, pointers: ['/colour', '/usage_limit'] });
    expect(await faultsOf({ code: 'FAULTS', type: 'percentage', value: 5, customer_segment_id: 'seg_nobody' })).toEqual({ status: 404, code: 'segment_not_found', pointers: ['/customer_segment_id'] });
    expect((await create({ code: 'FAULTS', type: 'percentage', value: 5 })).response.status).toBe(201); // nothing was left behind
  });

  test('a patch changes what it names; null clears; the whole must still hold', async () => {
    const { data: promo } = await create({ code: 'PATCHED', type: 'fixed_amount', value: 5, min_order_amount: 10, valid_from: '2026-01-01T00:00:00Z', usage_limit: 3 });
    const patch = (body: object, etag?: string) => app.api().PATCH(PROMO, { params: { path: { promo_id: promo!.id }, header: { 'If-Match': etag } }, body: body as never });
    const { data, response } = await patch({ value: 6.5, min_order_amount: null, stackable: true }, '"1"');
    expect(data).toEqual({ ...promo, value: 6.5, min_order_amount: null, stackable: true, updated_at: data!.updated_at });
    expect(response.headers.get('etag')).toBe('"2"');
    expect((await patch({ value: 7 }, '"1"')).response.status).toBe(412);
    expect((await patch({ valid_until: '2025-01-01T00:00:00Z' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/valid_until' }] });
    expect((await patch({ value: null })).error).toMatchObject({ status: 400, errors: [{ pointer: '/value' }] });
    expect((await patch({ code: 'OTHER' })).error).toMatchObject({ status: 400, errors: [{ pointer: '/code' }] });
    // RFC 7396 all the way down: the days of a happy hour survive new times.
    await patch({ schedule: { days: ['mon'], from: '15:00', to: '17:00' }, applies_to: { channels: ['web'] } });
    expect((await patch({ schedule: { to: '18:00' }, applies_to: { all_items: null, item_ids: ['tea'] } })).data).toMatchObject({
      schedule: { days: ['mon'], from: '15:00', to: '18:00' }, applies_to: { channels: ['web'], item_ids: ['tea'] },
    });
    expect((await patch({ schedule: { from: null, to: null } })).data).toMatchObject({ schedule: { days: ['mon'] } });
    expect((await patch({ schedule: null })).data).toMatchObject({ schedule: null });
  });

  test('pause, activate, archive', async () => {
    const { data: promo } = await create({ code: 'MOVES', type: 'free_delivery' });
    const params = { params: { path: { promo_id: promo!.id } } };
    expect((await app.api().POST('/api/v1/marketing/promos/{promo_id}/pause', params)).data).toMatchObject({ status: 'paused', value: null });
    expect((await app.api().POST('/api/v1/marketing/promos/{promo_id}/pause', params)).response.status).toBe(200);
    expect((await app.api().POST('/api/v1/marketing/promos/{promo_id}/activate', params)).data).toMatchObject({ status: 'active' });
    expect((await app.api().POST('/api/v1/marketing/promos/{promo_id}/archive', params)).data).toMatchObject({ status: 'archived' });
    expect((await app.api().POST('/api/v1/marketing/promos/{promo_id}/activate', params)).error).toMatchObject({ status: 409, code: 'invalid_state' });
    expect((await app.api().PATCH(PROMO, { ...params, body: { priority: 1 } })).error).toMatchObject({ status: 409, code: 'invalid_state' });
  });

  test('the list pages both ways, filters and counts', async () => {
    const tenant = newTenant();
    for (const n of [1, 2, 3]) await create({ code: `LIST${n}`, type: n === 2 ? 'free_delivery' : 'percentage', ...(n !== 2 && { value: n }) }, tenant);
    const list = async (query: object) => (await app.api(['marketing'], tenant).GET(PROMOS, { params: { query } })).data!;
    const codes = async (query: object) => (await list(query)).data.map(({ code }) => code);
    const first = await list({ limit: 2 });
    expect(first.data.map(({ code }) => code)).toEqual(['LIST3', 'LIST2']);
    expect(first.meta).toMatchObject({ total: 3, has_more: true });
    expect(await codes({ limit: 2, cursor: first.meta.next_cursor })).toEqual(['LIST1']);
    expect(await codes({ limit: 2, page: 2 })).toEqual(['LIST1']);
    expect(await codes({ type: 'free_delivery' })).toEqual(['LIST2']);
    expect(await codes({ code: 'list1' })).toEqual(['LIST1']);
    expect((await list({ type: 'percentage', status: 'active' })).meta.total).toBe(2);
  });

  test('another tenant’s promo is one that does not exist', async () => {
    const { data: promo } = await create({ code: 'MINE', type: 'percentage', value: 1 });
    const { error } = await app.api(['marketing'], newTenant()).GET(PROMO, { params: { path: { promo_id: promo!.id } } });
    expect(error).toMatchObject({ status: 404, code: 'promo_not_found' });
  });
});

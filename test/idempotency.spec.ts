import { startApp, type TestApp } from './support/app.js';
import { OPERATIONS } from './support/operations.js';
import { newTenant, token } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const CAMPAIGN = { name: 'Once', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' };

describe('Idempotency-Key', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const post = (key: string, body: object = CAMPAIGN, over: { tenant?: string; path?: string } = {}) =>
    app.fetch(over.path ?? PATH, { method: 'POST', token: token(over.tenant ?? app.tenant), headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify(body) });
  const made = async (name: string) => (await app.sql('SELECT 1 FROM campaigns WHERE name = $1', [name])).length;

  test('every POST that creates takes one', () => {
    const without = OPERATIONS.filter(({ method, responses, parameters }) => method === 'POST' && responses['201'] !== undefined && !parameters?.some(({ name }) => name === 'Idempotency-Key'));
    expect(without.map(({ operationId }) => operationId)).toEqual([]);
  });

  test('the first answer is given again: status, body, ETag and Location', async () => {
    const [first, again] = [await post('again-1'), await post('again-1')];
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    for (const header of ['etag', 'location', 'content-type']) expect([header, again.headers.get(header)]).toEqual([header, first.headers.get(header)]);
    expect(await again.json()).toEqual(await first.json());
  });

  test('it is the answer of then, whatever became of the object since', async () => {
    const first = (await (await post('since-1', { ...CAMPAIGN, name: 'Since' })).json()) as { id: string };
    await app.api().PATCH(`${PATH}/{campaign_id}`, { params: { path: { campaign_id: first.id } }, body: { name: 'Since then' } });
    expect(await (await post('since-1', { ...CAMPAIGN, name: 'Since' })).json()).toEqual(first);
  });

  test('with another body it is a mistake', async () => {
    await post('reused-1');
    const response = await post('reused-1', { ...CAMPAIGN, name: 'Other' });
    expect([response.status, await response.json()]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    expect(await made('Other')).toBe(0);
  });

  test('twenty at once make one', async () => {
    const body = { ...CAMPAIGN, name: 'Crowd' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('crowd-1', body)));
    const codes = answers.map(({ status }) => status);
    expect(codes.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    for (const response of answers.filter(({ status }) => status === 409)) expect(await response.json()).toMatchObject({ code: 'idempotency_in_flight' });
    const ids = await Promise.all(answers.filter(({ status }) => status === 201).map(async (response) => ((await response.json()) as { id: string }).id));
    expect(new Set(ids).size).toBe(1);
    expect(await made('Crowd')).toBe(1);
  });

  test('a refusal is not kept: mended, the same key works', async () => {
    const name = 'Mended';
    expect((await post('mended-1', { ...CAMPAIGN, name, segment_id: 'seg_nobody' })).status).toBe(404);
    expect((await post('mended-1', { ...CAMPAIGN, name, type: 'spam' })).status).toBe(400);
    expect((await post('mended-1', { ...CAMPAIGN, name })).status).toBe(201);
    expect(await made(name)).toBe(1);
  });

  test('tenants and routes have keys of their own', async () => {
    const ids = await Promise.all([post('own-1'), post('own-1', CAMPAIGN, { tenant: newTenant() })].map(async (one) => ((await (await one).json()) as { id: string }).id));
    expect(ids[0]).not.toBe(ids[1]);
    const segment = await post('own-1', { name: 'A segment', type: 'static' }, { path: '/api/v1/marketing/segments' });
    expect([segment.status, segment.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  test('after a day it is forgotten', async () => {
    const first = (await (await post('day-1')).json()) as { id: string };
    await app.sql(`UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE key = 'day-1'`);
    const later = await post('day-1');
    expect([later.status, later.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(((await later.json()) as { id: string }).id).not.toBe(first.id);
  });

  test.each(['', ' ', 'with space', 'ü', 'x'.repeat(256)])('%p is no key', async (key) => {
    const response = await post(key).catch(() => null); // what HTTP itself cannot carry
    if (response !== null && key.trim() !== '') expect(await response.json()).toMatchObject({ code: 'validation_failed', errors: [{ parameter: 'Idempotency-Key' }] });
  });
});

import { startApp, type TestApp } from './support/app.js';
import { type Operation, OPERATIONS } from './support/operations.js';

const BASE = '/api/v1/marketing';
/** Of HTTP's own framing; no document declares them. */
const FRAMING = ['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'];
const ALWAYS = ['x-request-id'];
const GUARDED = ['ratelimit', 'ratelimit-policy', ...ALWAYS];

describe('the headers of answers', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ env: { RATE_LIMIT_RPS: '200' } })));
  afterAll(() => app.close());

  const operationOf = (method: string, path: string): Operation => {
    const found = OPERATIONS.filter((one) => one.method === method && new RegExp(`^${one.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path));
    return found.sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0]!;
  };
  /** Sends the request; what it was answered with must be declared. @returns what was sent beside HTTP's framing, sorted */
  const sent = async (method: string, path: string, init: { body?: unknown; headers?: Record<string, string>; token?: string; from?: TestApp } = {}) => {
    const { body, headers, from = app, ...rest } = init;
    const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
    const response = await from.fetch(path, { method, headers, redirect: 'manual', ...json, ...rest });
    const names = [...response.headers.keys()].filter((name) => !FRAMING.includes(name)).sort();
    const declared = Object.keys(operationOf(method, path.split('?')[0]!).responses[response.status]?.headers ?? {}).map((name) => name.toLowerCase());
    expect([method, path, response.status, names.filter((name) => !declared.includes(name))]).toEqual([method, path, response.status, []]);
    const text = await response.text();
    return { status: response.status, names, declared: declared.sort(), id: (response.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as { id?: string }).id : undefined)! };
  };
  /** The same, and that all that is declared is there but for the named. */
  const whole = async (status: number, [method, path, init]: Parameters<typeof sent>, without: string[] = []) => {
    const answer = await sent(method, path, init);
    expect([method, path, answer.status, answer.names]).toEqual([method, path, status, answer.declared.filter((name) => !without.includes(name))]);
    return answer;
  };
  const of = (...own: string[]) => [...GUARDED, ...own].sort();

  test('are those that the document declares', async () => {
    const key = { 'idempotency-key': 'k1' };
    const segment = { name: 'Friends', type: 'static' };
    const { id, declared } = await whole(201, ['POST', `${BASE}/segments`, { body: segment, headers: key }], ['idempotency-replayed']);
    expect(declared).toEqual(of('etag', 'idempotency-replayed', 'location'));
    await whole(201, ['POST', `${BASE}/segments`, { body: segment, headers: key }]);
    expect((await whole(200, ['GET', `${BASE}/segments/${id}`])).names).toEqual(of('etag'));
    await whole(200, ['PATCH', `${BASE}/segments/${id}`, { body: { name: 'Foes' } }]);
    await whole(412, ['PATCH', `${BASE}/segments/${id}`, { body: { name: 'F' }, headers: { 'if-match': '"99"' } }]);
    await whole(200, ['GET', `${BASE}/segments/${id}/export`]);
    await whole(204, ['DELETE', `${BASE}/segments/${id}`]);
    await whole(404, ['GET', `${BASE}/segments/${id}`]);
    expect((await whole(200, ['GET', `${BASE}/segments`])).names).toEqual(of());
    await whole(400, ['GET', `${BASE}/segments?limit=none`]);
    expect((await whole(201, ['PUT', `${BASE}/customers/ada`, { body: { city: 'Rome' } }])).names).toEqual(of('etag', 'location'));
    await whole(200, ['PUT', `${BASE}/customers/ada`, { body: {} }]);
    await whole(200, ['GET', `${BASE}/customers/ada`]);
    await whole(200, ['GET', `${BASE}/settings`]);
    await whole(200, ['PATCH', `${BASE}/settings`, { body: {} }]);
    const campaign = { name: 'C', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' };
    const made = await whole(201, ['POST', `${BASE}/campaigns`, { body: campaign }], ['idempotency-replayed']);
    await whole(200, ['GET', `${BASE}/campaigns/${made.id}`]);
    await whole(201, ['POST', `${BASE}/campaigns/${made.id}/duplicate`], ['idempotency-replayed']);
    await whole(201, ['POST', `${BASE}/promos`, { body: { code: 'SAVE10', type: 'percentage', value: 10 } }], ['idempotency-replayed']);
    const redeem = { body: { code: 'SAVE10', order: { id: 'o1', items: [{ id: 'l1', quantity: 1, unit_price: 20 }] } }, headers: key };
    await whole(201, ['POST', `${BASE}/promos/redemptions`, redeem], ['idempotency-replayed']);
    await whole(200, ['POST', `${BASE}/promos/redemptions`, redeem]);
    await whole(200, ['POST', `${BASE}/customers/batch`, { body: { customers: [{ customer_id: 'bob' }] } }], ['idempotency-replayed']);
    await whole(200, ['POST', `${BASE}/customers/ada/merge`, { body: { from: 'bob' } }]);
  });

  test('tell the version of whatever has one, wherever it is the answer', () => {
    const answers = OPERATIONS.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { headers, content }]) => {
        const { $ref: schema } = (content?.['application/json']?.schema ?? {}) as { $ref?: string };
        return schema === undefined ? [] : [{ name: `${operationId} ${status}`, schema, tagged: headers?.ETag !== undefined }];
      }));
    const versioned = new Set(answers.filter(({ tagged }) => tagged).map(({ schema }) => schema));
    expect([...versioned].map((schema) => schema.slice('#/components/schemas/'.length)).sort()).toEqual(['Campaign', 'Customer', 'EventSubscription', 'Promo', 'Segment', 'Settings']);
    expect(answers.filter(({ schema, tagged }) => versioned.has(schema) && !tagged)).toEqual([]);
  });

  test('of public routes and of those who are not let in', async () => {
    expect((await whole(401, ['GET', `${BASE}/segments`, { token: 'none' }])).names).toEqual(['www-authenticate', ...ALWAYS]);
    for (const path of ['/health/live', '/health/ready', '/metrics']) expect((await whole(200, ['GET', path, { token: '' }])).names).toEqual(ALWAYS);
    for (const kind of ['o', 'c', 'u']) await sent('GET', `/t/${kind}/none`, { token: '' });
    await sent('POST', '/t/u/none', { token: '' });
    await sent('POST', `${BASE}/webhooks/sendgrid`, { token: '', body: {} });
  });

  test('of those who ask too often', async () => {
    const slow = await startApp({ env: { RATE_LIMIT_RPS: '1' } });
    const answers = await Promise.all([1, 2, 3, 4].map(() => sent('GET', `${BASE}/segments/none`, { from: slow })));
    await slow.close();
    const refused = answers.find(({ status }) => status === 429)!;
    expect([refused.names, refused.declared]).toEqual([of('retry-after'), of('retry-after')]);
  });
});

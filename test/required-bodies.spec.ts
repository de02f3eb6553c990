import { startApp, type TestApp } from './support/app.js';
import { fill, GUARDED, type Operation, takesJson, title } from './support/operations.js';

/** What an operation that takes JSON makes of no body at all. */
describe('a body', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const NONE: [string, RequestInit][] = [
    ['absent', {}],
    ['absent, with its type', { headers: { 'content-type': 'application/json' } }],
    ['empty', { headers: { 'content-type': 'application/json' }, body: Buffer.alloc(0) }],
  ];
  const send = async (operation: Operation, init: RequestInit) => {
    const path = fill(operation.path, (name) => (name === 'provider' ? 'sendgrid' : name === 'segment_id' ? 'seg_all_customers' : 'ghost'));
    const response = await app.fetch(path, { method: operation.method, ...init });
    const text = await response.text();
    return { status: response.status, ...(JSON.parse(text || '{}') as { code?: string; errors?: object[] }) };
  };
  const REQUIRED = GUARDED.filter((operation) => takesJson(operation) && operation.requestBody!.required);
  const OPTIONAL = GUARDED.filter((operation) => takesJson(operation) && !operation.requestBody!.required);

  test.each(REQUIRED.map((operation) => [title(operation), operation] as const))('is required of %s', async (_, operation) => {
    for (const [what, init] of NONE) {
      expect([what, await send(operation, init)]).toMatchObject([what, { status: 400, code: 'validation_failed', errors: [{ pointer: '', code: 'required' }] }]);
    }
    expect((await app.fetch('/api/v1/marketing/customers/ghost')).status).toBe(404);
  });

  const WITHOUT = GUARDED.filter(({ method, requestBody }) => method !== 'GET' && requestBody === undefined);

  test('of an action may be left out or empty, and holds nothing else', async () => {
    expect(WITHOUT.map(({ operationId }) => operationId)).toEqual(expect.arrayContaining(['cancelCampaign', 'refreshSegment', 'deleteSegment']));
    const json = (body: string): RequestInit => ({ headers: { 'content-type': 'application/json' }, body });
    for (const operation of WITHOUT) {
      const what = title(operation);
      expect([what, await send(operation, json('{"reason":"x","a/b":1}'))]).toMatchObject([what, { status: 400, code: 'validation_failed', errors: [{ pointer: '/reason', code: 'unknown_property' }, { pointer: '/a~1b', code: 'unknown_property' }] }]);
      for (const body of ['[]', '"x"', 'null']) expect([what, body, await send(operation, json(body))]).toMatchObject([what, body, { status: 400, errors: [{ pointer: '', code: 'is_object' }] }]);
      for (const [none, init] of [...NONE, ['{}', json('{}')] as const]) expect([what, none, (await send(operation, init)).status]).not.toEqual([what, none, 400]);
    }
  });

  test('goes with no query that the document does not know, wherever a token is asked for', async () => {
    for (const operation of GUARDED) {
      const what = title(operation);
      const path = fill(operation.path, (name) => (name === 'provider' ? 'sendgrid' : name === 'segment_id' ? 'seg_all_customers' : 'ghost'));
      const type = Object.keys(operation.requestBody?.content ?? {})[0];
      const init = type === undefined ? {} : { headers: { 'content-type': type }, body: type.includes('json') ? '{}' : 'customer_id\n' };
      const response = await app.fetch(`${path}?colour=red`, { method: operation.method, ...init });
      expect([what, await response.json()]).toMatchObject([what, { status: 400, code: 'validation_failed', errors: expect.arrayContaining([expect.objectContaining({ parameter: 'colour', code: 'unknown_property' })]) as object[] }]);
    }
  });

  test('may be left out where the document says so', async () => {
    expect(OPTIONAL.map(({ operationId }) => operationId).sort()).toEqual(['rollbackRedemption', 'rotateWebhookSecret', 'scheduleCampaign']);
    for (const operation of OPTIONAL) for (const [what, init] of NONE) expect([what, (await send(operation, init)).status]).toEqual([what, 404]);
  });
});

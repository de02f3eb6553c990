import { startApp, type TestApp } from './support/app.js';
import { isNullable, knownMembers, places, replaced, tooLarge, unreadable, withoutEnd, wrongType } from './support/hostile-bodies.js';
import { bodyExamples, fill, isPublic, type Operation, OPERATIONS, takesJson, title } from './support/operations.js';
import { token } from './support/tokens.js';

interface Problem {
  code: string;
  status: number;
  request_id: string;
  errors?: { pointer?: string; parameter?: string; code: string; detail: string }[];
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Takes a list whose items are judged, and told, one by one: a bad one is no bad request. */
const isBatch = ({ operationId }: Operation): boolean => ['upsertCustomers', 'recordEvents'].includes(operationId);

/** A webhook's body is its provider's affair: it is read after its signature, and a wrong one answers 401 first. */
const isIntake = ({ path }: Operation): boolean => path.endsWith('/webhooks/{provider}');

describe('hostile input', () => {
  let app: TestApp;
  const known: Record<string, string> = { provider: 'sendgrid', customer_id: 'cust_1' };

  beforeAll(async () => {
    app = await startApp();
    const api = app.api();
    await api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'cust_1' } }, body: { email: 'a@example.com' } });
    const segment = await api.POST('/api/v1/marketing/segments', { body: { name: 'Regulars', type: 'static' } });
    const campaign = await api.POST('/api/v1/marketing/campaigns', { body: { name: 'A', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' } });
    const promo = await api.POST('/api/v1/marketing/promos', { body: { code: 'HOSTILE', type: 'percentage', value: 5 } });
    Object.assign(known, { segment_id: segment.data!.id, campaign_id: campaign.data!.id, promo_id: promo.data!.id });
  });
  afterAll(() => app.close());

  const path = (operation: Operation): string => fill(operation.path, (name) => known[name] ?? 'unknown-1');

  const send = (operation: Operation, body: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<Response> =>
    app.fetch(path(operation), { method: operation.method, token: isPublic(operation) ? '' : token(app.tenant), headers, body: body as string });

  /** Asserts that the answer is a problem like any other, and gives it back. */
  async function problem(response: Response, what: string): Promise<Problem> {
    const text = await response.text();
    const where = `${what}: ${response.status} ${text.slice(0, 300)}`;
    if (response.status < 400 || response.status >= 500) throw new Error(where);
    if (!response.headers.get('content-type')?.startsWith('application/problem+json')) throw new Error(`no problem document: ${where}`);
    const answer = JSON.parse(text) as Problem;
    if (answer.status !== response.status || !answer.code || answer.request_id !== response.headers.get('x-request-id')) throw new Error(`an odd problem: ${where}`);
    if (/node_modules|\n\s+at |\.[jt]s:\d/.test(text)) throw new Error(`a stack trace: ${where}`);
    return answer;
  }

  /** How many rows every table has; what is refused leaves none behind. */
  async function rows(): Promise<Record<string, string>> {
    const tables = await app.sql<{ name: string }>(`SELECT format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind = 'r' AND (nspname = 'public' OR (nspname = 'pgboss' AND relname LIKE 'job%')) ORDER BY 1`);
    const [counts] = await app.sql<Record<string, string>>(`SELECT ${tables.map(({ name }) => `(SELECT count(*) FROM ${name}) AS "${name}"`).join(', ')}`);
    return counts!;
  }

  async function unchanged(work: () => Promise<void>): Promise<void> {
    const before = await rows();
    await work();
    expect(await rows()).toEqual(before);
  }

  const withJson = OPERATIONS.filter(takesJson).map((operation) => [title(operation), operation] as const);

  describe.each(withJson)('%s', (_, operation) => {
    const [, example] = bodyExamples(operation)[0] ?? ['', {}];
    const schema = operation.requestBody!.content['application/json']!.schema as object;

    test('refuses what cannot be read, and keeps nothing of it', () =>
      unchanged(async () => {
        for (const [name, body] of Object.entries(unreadable(example))) {
          const { code, status } = await problem(await send(operation, body), name);
          if (!isIntake(operation)) expect([name, status, code]).toEqual([name, 400, expect.stringMatching(/^(validation_failed|invalid_segment_criteria|invalid_promo_code)$/)]);
        }
        expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
      }));

    test('refuses other media types and bodies too large', () =>
      unchanged(async () => {
        const json = JSON.stringify(example);
        for (const type of ['text/plain', 'text/csv', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/octet-stream', 'nonsense']) {
          const { status, code } = await problem(await send(operation, json, { 'content-type': type }), type);
          if (!isIntake(operation)) expect([type, status, code]).toEqual([type, 415, 'unsupported_media_type']);
        }
        expect(await problem(await send(operation, tooLarge(example)), 'large')).toMatchObject({ status: 413, code: 'payload_too_large' });
      }));

    test('refuses a wrong type anywhere, and names the place', async () => {
      if (isIntake(operation)) return;
      await unchanged(async () => {
        for (const place of places(example, schema)) {
          const wrong = wrongType(place);
          if (wrong === undefined || place.pointer === '' || (isBatch(operation) && /\/\d/.test(place.pointer))) continue;
          const what = `${place.pointer} = ${JSON.stringify(wrong)}`;
          const { errors } = await problem(await send(operation, JSON.stringify(replaced(example, place.pointer, wrong))), what);
          const pointers = errors?.map(({ pointer }) => pointer ?? '') ?? [];
          // An element of a list may be told by the list it is in.
          if (!pointers.some((pointer) => pointer.startsWith(place.pointer) || place.pointer.replace(/\/\d+$/, '') === pointer)) throw new Error(`${what} is not named: ${JSON.stringify(errors)}`);
        }
      });
    });

    test('takes null where the document has one, and nowhere else', async () => {
      if (isIntake(operation)) return;
      for (const { pointer, schema: known } of knownMembers(example, schema)) {
        if (isBatch(operation) && /\/\d/.test(pointer)) continue;
        const response = await send(operation, JSON.stringify(replaced(example, pointer, null)));
        const { code, errors = [] } = (response.status === 204 ? {} : await response.json()) as Partial<Problem>;
        const answer = [pointer, response.status, code, errors.map((fault) => `${fault.pointer} ${fault.code}`)];
        if (isNullable(known)) expect(answer).not.toEqual([pointer, expect.anything(), 'validation_failed', expect.arrayContaining([expect.stringContaining(`${pointer} is_`)])]);
        else expect(answer).toEqual([pointer, 400, expect.anything(), expect.arrayContaining([expect.stringContaining(`${pointer} `)])]);
      }
    });

    test('refuses a member it does not know', async () => {
      if (isIntake(operation)) return;
      await unchanged(async () => {
        const { errors } = await problem(await send(operation, JSON.stringify({ ...(example as object), unexpected: 1 })), 'unexpected');
        expect(errors).toContainEqual(expect.objectContaining({ pointer: '/unexpected' }));
      });
    });

    test('is done at once with what has no end', async () => {
      if (isIntake(operation)) return;
      const lists = places(example, schema).filter(({ pointer, value }) => Array.isArray(value) && !(isBatch(operation) && /\/\d/.test(pointer))).map(({ pointer }) => pointer);
      for (const body of withoutEnd(example, lists)) {
        const start = process.threadCpuUsage();
        const { errors } = await problem(await send(operation, body), 'without end');
        expect(errors?.length ?? 0).toBeLessThanOrEqual(100);
        const { user, system } = process.threadCpuUsage(start);
        expect(user + system).toBeLessThan(5_000_000); // reading a megabyte takes less than a tenth of it on a busy machine; what grows with its square, minutes
      }
    }, 60_000);

    test('never fails on odd values, whatever it makes of them', async () => {
      const odd = [null, '', '🍕'.repeat(2_000), -1, 1e308, 2 ** 53, 2 ** 31, 1e-300, [], [[]], [null], {}, "'; DROP TABLE customers; --", '{{ 1 | divided_by: 0 }}', '0001-01-01T00:00:00Z'];
      for (const { pointer } of places(example, schema).slice(1, 20)) {
        const answers = odd.map(async (value) => {
          const response = await send(operation, JSON.stringify(replaced(example, pointer, value)));
          if (response.status >= 400) await problem(response, `${pointer} = ${JSON.stringify(value).slice(0, 60)}`);
          else await response.body?.cancel();
        });
        await Promise.all(answers);
      }
    }, 120_000);
  });

  describe('in the URL', () => {
    const ids = ['%00', '%ff', '%ed%a0%80', '%', '%2e%2e%2f%2e%2e', 'a'.repeat(600), '%F0%9F%8D%95', "'%20OR%201=1--", '-1', 'null', 'undefined', '__proto__', '%5B%5D', '0'];
    const inPath = OPERATIONS.filter((operation) => operation.path.includes('{') && operation.method !== 'PUT');

    test.each(inPath.map((operation) => [title(operation), operation] as const))('a bad id: %s', (_, operation) =>
      unchanged(async () => {
        for (const id of ids) {
          const headers = takesJson(operation) ? JSON_TYPE : undefined;
          const [, example] = bodyExamples(operation)[0] ?? [];
          const response = await app.fetch(operation.path.replace(/\{\w+\}/g, id), {
            method: operation.method,
            ...(isPublic(operation) && { token: '' }),
            headers,
            ...(headers && { body: JSON.stringify(example ?? {}) }),
          });
          if (operation.path.startsWith('/t/')) expect([id, response.status < 500]).toEqual([id, true]);
          else await problem(response, id);
        }
      }),
    );

    const withQuery = OPERATIONS.filter((operation) => operation.method === 'GET' && !isPublic(operation) && operation.parameters?.some((one) => one.in === 'query'));

    test.each(withQuery.map((operation) => [title(operation), operation] as const))('a bad query: %s', async (_, operation) => {
      for (const { name, schema } of operation.parameters!.filter((one) => one.in === 'query')) {
        const bad = ['%00', 'a&' + name + '=b'];
        if (schema?.enum !== undefined) bad.push('nonsense', '');
        if ([schema?.type].flat().some((type) => type === 'number' || type === 'integer')) bad.push('abc', '-1', '1.5', '1e99', 'NaN', '');
        if (schema?.format === 'date') bad.push('2026-02-30', 'yesterday', '2026-06-01T00:00:00Z', '');
        for (const value of bad) {
          const { status, code, errors } = await problem(await app.fetch(`${path(operation)}?${name}=${value}`), `${name}=${value}`);
          const told = code === 'page_too_deep' || errors?.some(({ parameter }) => parameter === name);
          expect([name, value, status, told]).toEqual([name, value, 400, true]);
        }
      }
      const { errors } = await problem(await app.fetch(`${path(operation)}?unexpected=1`), 'unexpected');
      expect(errors).toContainEqual(expect.objectContaining({ parameter: 'unexpected' }));
    });

    test('there is nothing elsewhere, and other methods are not taken', async () => {
      for (const elsewhere of ['/', '/api/v1/marketing', '/api/v1/marketing/nothing', '/api/v2/marketing/campaigns', '/api/v1/marketing/campaigns/a/b/c']) {
        expect(await problem(await app.fetch(elsewhere), elsewhere)).toMatchObject({ code: 'not_found', status: 404 });
      }
      for (const method of ['PUT', 'DELETE', 'PATCH']) {
        const { status } = await problem(await app.fetch('/api/v1/marketing/campaigns', { method }), method);
        expect([404, 405]).toContain(status);
      }
    });
  });

  test('odd headers do not fail it', async () => {
    const get = (headers: Record<string, string>) => app.fetch('/api/v1/marketing/settings', { headers });
    expect((await get({ 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^req_/);
    expect((await get({ 'x-request-id': 'my-own-id-1' })).headers.get('x-request-id')).toBe('my-own-id-1');
    expect((await get({ 'if-match': 'W/"x"' })).status).toBe(200);
    const key = await app.fetch('/api/v1/marketing/campaigns', { method: 'POST', headers: { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(300) }, body: '{}' });
    expect(await problem(key, 'a long key')).toMatchObject({ status: 400, errors: [{ parameter: 'Idempotency-Key' }] });
  });
});

import { startApp, type TestApp } from './support/app.js';

const CUSTOMERS = '/api/v1/marketing/customers';
const SEGMENTS = '/api/v1/marketing/segments';

/** RFC 9110 §13.1: what a change may be made dependent on. */
describe('preconditions', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const send = async (method: string, path: string, headers: Record<string, string> = {}, body: object = { city: 'Rome' }) => {
    const response = await app.fetch(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    const { code, errors } = (await response.json()) as { code?: string; errors?: { parameter: string }[] };
    return { status: response.status, etag: response.headers.get('etag')!, code, parameter: errors?.[0]?.parameter };
  };
  const put = (id: string, headers: Record<string, string>) => send('PUT', `${CUSTOMERS}/${id}`, headers);

  test('If-Match: * changes a customer, and makes none', async () => {
    expect(await put('nobody', { 'if-match': '*' })).toMatchObject({ status: 412, code: 'version_conflict' });
    expect((await app.fetch(`${CUSTOMERS}/nobody`)).status).toBe(404);
    await put('ada', {});
    expect(await put('ada', { 'if-match': '*' })).toMatchObject({ status: 200 });
  });

  test('If-None-Match: * makes a customer, and changes none', async () => {
    const first = await put('bob', { 'if-none-match': '*' });
    expect(first.status).toBe(201);
    expect(await put('bob', { 'if-none-match': '*' })).toMatchObject({ status: 412, code: 'version_conflict' });
    expect(await put('bob', { 'if-none-match': `W/${first.etag}` })).toMatchObject({ status: 412 }); // its comparison is weak
    expect(await put('bob', { 'if-none-match': '"999"' })).toMatchObject({ status: 200 });
  });

  test('of many who would make the same customer, one does', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => put('cyd', { 'if-none-match': '*' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(412)]);
  });

  test.each([
    ['the version', (etag: string) => etag, 200],
    ['a list that has it', (etag: string) => `"other", ${etag} ,W/"9"`, 200],
    ['anything', () => '*', 200],
    ['another', () => '"999"', 412],
    ['a tag of somebody else’s', () => '"5d8c72a5edda8d6a"', 412],
    ['the version, weakly', (etag: string) => `W/${etag}`, 412],
    ['the version, with a zero before', (etag: string) => etag.replace('"', '"0'), 412],
    ['no tag at all', () => '', 400],
    ['the version without its quotes', (etag: string) => etag.replaceAll('"', ''), 400],
    ['half a tag', (etag: string) => etag.slice(0, -1), 400],
    ['* among tags', (etag: string) => `*, ${etag}`, 400],
    ['a small w', (etag: string) => `w/${etag}`, 400],
  ])('If-Match names %s', async (_, header, status) => {
    const { etag: segmentTag } = await send('POST', SEGMENTS, {}, { name: 'Friends', type: 'static' });
    expect(segmentTag).toBe('"1"');
    const { data } = await app.api().POST(SEGMENTS, { body: { name: 'Friends', type: 'static' } });
    const { etag: settingsTag } = await send('PATCH', '/api/v1/marketing/settings', {}, {});
    const { etag: customerTag } = await put('dan', {});
    const answers = [
      await send('PATCH', `${SEGMENTS}/${data!.id}`, { 'if-match': header('"1"') }, { name: 'Foes' }),
      await send('PATCH', '/api/v1/marketing/settings', { 'if-match': header(settingsTag) }, {}),
      await put('dan', { 'if-match': header(customerTag) }),
    ];
    const refusal = { 200: {}, 412: { code: 'version_conflict' }, 400: { code: 'validation_failed', parameter: 'If-Match' } }[status as 200];
    for (const answer of answers) expect(answer).toMatchObject({ status, ...refusal });
  });

  test('If-Match keeps a customer whom somebody changed from being erased', async () => {
    const { etag } = await put('eve', {});
    const erase = async (tag: string) => {
      const response = await app.fetch(`${CUSTOMERS}/eve`, { method: 'DELETE', headers: { 'if-match': tag } });
      return [response.status, response.status === 204 ? null : ((await response.json()) as { code: string }).code];
    };
    expect(await erase('"99"')).toEqual([412, 'version_conflict']);
    expect((await send('PUT', `${CUSTOMERS}/eve`, {}, { city: 'Bern' })).status).toBe(200);
    expect(await erase(etag)).toEqual([412, 'version_conflict']);
    expect(await erase('99')).toEqual([400, 'validation_failed']);
    expect((await app.fetch(`${CUSTOMERS}/eve`)).status).toBe(200);
    expect(await erase((await app.fetch(`${CUSTOMERS}/eve`)).headers.get('etag')!)).toEqual([204, null]);
    expect(await erase('*')).toEqual([404, 'customer_not_found']);
  });

  test('a header of many commas and spaces is read in no time', async () => {
    const started = performance.now();
    expect(await put('dan', { 'if-match': `"1"${' , '.repeat(2000)}x` })).toMatchObject({ status: 400 });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

import { Readable } from 'node:stream';
import { Imports } from '#customers';
import { Tenants } from '#tenants';
import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant, token } from './support/tokens.js';

describe('imports', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  let imports: TestImports;
  beforeEach(() => void (imports = new TestImports(app, newTenant())));

  const put = (customer_id: string, body: object) => app.api(['marketing'], imports.tenant).PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } }, body });
  /** As another domain starts one. */
  const startFor = async (target: { name: string; ref: string }, rows: Iterable<string>) => {
    const tenant = await app.nest.get(Tenants, { strict: false }).resolve(imports.tenant);
    const { id } = await app.nest.get(Imports, { strict: false }).start(tenant, { bytes: Readable.from(rows, { objectMode: false }), charset: null }, target);
    return imports.completed(id);
  };

  test('rows become profiles; an empty cell and a column left out keep what was there', async () => {
    await put('b', { city: 'Rome', loyalty_tier: 'gold', email: 'b@example.com' });
    const csv = `\uFEFFcustomer_id,email,first_name,city,tags,attributes.visits,attributes.code,attributes.vip,consents.email.status,loyalty_points
a,A@Example.com,"Ann, the ""first""",Oslo,vip|lunch,12,007,true,subscribed,5
b,,Bob,,,,,,,

`;
    expect(await imports.run(csv)).toMatchObject({ total_rows: 2, processed: 2, created: 1, updated: 1, rejected: 0 });
    expect(await imports.customer('a')).toMatchObject({
      email: 'a@example.com', first_name: 'Ann, the "first"', tags: ['vip', 'lunch'], attributes: { visits: 12, code: '007', vip: true }, loyalty_points: 5, consents: { email: { status: 'subscribed' } },
    });
    expect(await imports.customer('b')).toMatchObject({ email: 'b@example.com', first_name: 'Bob', city: 'Rome', loyalty_tier: 'gold' });
  });

  test('a spreadsheet’s export is read: its delimiter by its header, its encoding by its charset or mark', async () => {
    const done = async (bytes: Buffer, type: string) => {
      const response = await imports.upload(bytes, '', { headers: { 'content-type': type } });
      expect(response.status).toBe(202);
      await imports.completed(((await response.json()) as { id: string }).id);
    };
    await done(Buffer.from('customer_id;first_name;city\r\na;Zo\u00eb;"K\u00f6ln; \u0093west\u0094"\r\n', 'latin1'), 'text/csv; charset=windows-1252');
    expect(await imports.customer('a')).toMatchObject({ first_name: 'Zoë', city: 'Köln; “west”' });
    await done(Buffer.from('\uFEFFcustomer_id\tfirst_name\nb\tŁukasz\n', 'utf16le'), 'text/csv');
    expect((await imports.customer('b'))!.first_name).toBe('Łukasz');
  });

  test('what means something in PostgreSQL’s arrays is kept as it is written', async () => {
    const texts = ['NULL', 'null', '{}', '{a,b}', 'a,b', 'say "hi"', 'back\\slash', '\\"', '\\', 'Ünï cödé', '🍕', '"', '()', "it's", 'a+b@c.d-e_f', 'x\u00a0y'];
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const csv = ['customer_id,first_name,city,tags,attributes.note', ...texts.map((text, n) => [`k${n}`, text, text, text.replace(/[\\|]/g, '\\$&'), text].map(cell).join(','))].join('\n');
    expect(await imports.run(csv)).toMatchObject({ created: texts.length, rejected: 0 });
    for (const [n, text] of texts.entries()) expect(await imports.customer(`k${n}`)).toMatchObject({ first_name: text, city: text, tags: [text], attributes: { note: text } });
    expect(await imports.run(csv.replace(/,"NULL"/g, ',"Null"'))).toMatchObject({ created: 0, updated: texts.length });
    expect((await imports.customer('k0'))!.first_name).toBe('Null');
  });

  test('a bad row is rejected with its line and column, the others count', async () => {
    await put('known', { email: 'known@example.com' });
    const csv = ['customer_id,email,phone,first_name', 'a,nobody,,A', 'b,,12,B', 'c,c@example.com', ',known@example.com,,Known', ',stranger@example.com,,S', ',,,Nobody', '"d\nd",,,D', 'e,e@example.com,+14155552671,E'].join('\n');
    const done = await imports.run(csv);
    expect(done).toMatchObject({ total_rows: 8, processed: 8, created: 1, updated: 1, rejected: 6 });
    expect((await imports.customer('known'))!.first_name).toBe('Known');
    const errors = await app.fetch(`/api/v1/marketing/imports/${done.id}/errors`, { token: token(imports.tenant, ['marketing']) });
    expect(errors.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await errors.text()).trim().split('\n').map((line) => line.split(',').slice(0, 3).join(','));
    expect(lines[0]).toBe('line,column,code');
    expect(lines.slice(1).sort()).toEqual(['2,email,is_email', '3,phone,is_phone', '4,,column_count', '6,email,customer_not_found', '7,,customer_required', '9,customer_id,is_customer_id'].sort());
  });

  test('nobody is born in the future', async () => {
    const done = await imports.run('customer_id,birthday\na,2099-01-01\nb,2019-12-31\n');
    expect([done.created, await imports.report(done.id, 'errors')]).toMatchObject([1, expect.stringContaining('2,birthday,is_born')]);
  });

  test('an email that several customers have says of none that the row is about them', async () => {
    for (const id of ['first', 'second']) await put(id, { email: 'shared@example.com' });
    await put('only', { email: 'only@example.com' });
    const done = await imports.run('email,city,customer_id\nShared@example.com,Rome,\nonly@example.com,Rome,\nshared@example.com,Oslo,second\n');
    expect(done).toMatchObject({ processed: 3, updated: 2, rejected: 1 });
    expect((await imports.report(done.id, 'errors')).split('\n')[1]).toMatch(/^2,email,ambiguous_email,/);
    expect(await Promise.all(['first', 'second', 'only'].map(async (id) => (await imports.customer(id))!.city))).toEqual([null, 'Oslo', 'Rome']);
  });

  test('an import never undoes an opt-out, however it is dated', async () => {
    await put('a', { email: 'a@example.com', consents: { email: { status: 'unsubscribed', at: '2026-01-01T00:00:00Z' } } });
    await imports.run('customer_id,email,consents.email.status,consents.email.at\na,a@example.com,subscribed,2026-06-01T00:00:00Z\nz,A@example.com,subscribed,2026-06-01T00:00:00Z\n');
    expect((await imports.customer('a'))!.consents.email.status).toBe('unsubscribed');
    expect((await imports.customer('z'))!.consents.email.status).toBe('unsubscribed');
  });

  test('a file that is none is refused and leaves nothing', async () => {
    const code = async (body: unknown, type = 'text/csv') => {
      const response = await imports.upload(body, '', { headers: { 'content-type': type } });
      const problem = (await response.json()) as { code: string; errors?: { code: string }[] };
      return [response.status, problem.errors?.map((error) => error.code).join() ?? problem.code];
    };
    expect(await code('')).toEqual([400, 'empty']);
    expect(await code('customer_id,emial,email,email\n')).toEqual([400, 'unknown_column,duplicate_column']);
    expect(await code('first_name\nAnn\n')).toEqual([400, 'missing_column']);
    expect(await code('customer_id\n"a')).toEqual([400, 'invalid_csv']);
    expect(await code(Buffer.from([0x63, 0xff, 0xfe]))).toEqual([400, 'invalid_encoding']);
    expect(await code('customer_id\n', 'text/csv; charset=klingon')).toEqual([415, 'unsupported_media_type']);
    expect(await code('{}', 'application/json')).toEqual([415, 'unsupported_media_type']);
    const rows = `customer_id\n${'x\n'.repeat(5000)}"broken`;
    expect(await code(rows)).toEqual([400, 'invalid_csv']);
    expect(await imports.count('imports')).toBe(0);
    const { error } = await app.api(['marketing'], imports.tenant).GET('/api/v1/marketing/imports/{import_id}', { params: { path: { import_id: 'imp_none' } } });
    expect(error).toMatchObject({ code: 'import_not_found', status: 404 });
  });

  test('a large file streams through, and a target gets each customer with the rows', async () => {
    const numbers: number[] = [];
    app.nest.get(Imports, { strict: false }).target('test', async (_tx, _tenant, ref, customerNos) => {
      expect(ref).toBe('here');
      numbers.push(...customerNos);
    });
    const rows = function* () {
      yield 'customer_id,email,city\n';
      for (let n = 0; n < 3200; n++) yield `c${n % 3000},c${n % 3000}@example.com,City ${n % 9}\n`;
    };
    expect(await startFor({ name: 'test', ref: 'here' }, rows())).toMatchObject({ total_rows: 3200, processed: 3200, created: 3000, updated: 200, rejected: 0 });
    expect(new Set(numbers).size).toBe(3000);
    expect(await imports.count('import_chunks')).toBe(0);
  });

  test('a chunk that fails is tried again and counts once', async () => {
    let tries = 0;
    app.nest.get(Imports, { strict: false }).target('flaky', async () => {
      if (++tries === 1) throw new Error('planned');
    });
    expect(await startFor({ name: 'flaky', ref: '' }, ['customer_id\na\nb\n'])).toMatchObject({ processed: 2, created: 2, updated: 0 });
    expect(tries).toBe(2);
  });
});

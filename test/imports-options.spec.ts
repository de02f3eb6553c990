import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

/** Rows that an import works on at once. */
const CHUNK = 1000;

describe('how a file is to be taken in', () => {
  let app: TestApp;
  let imports: TestImports;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  beforeEach(() => void (imports = new TestImports(app, newTenant())));
  afterAll(() => app.close());

  const GERMAN = 'Kundennummer;E-Mail;Vorname;Notiz;City\nk-1;zoe@example.com;Zoë;"=1+1";Köln\nk-2;nirgends;Max;;Bonn\n';
  const MAPPED = '?columns[Kundennummer]=customer_id&columns[e-mail%20]=email&columns[Vorname]=first_name&columns[Notiz]=-';

  test('columns of other names are mapped, or ignored; faults are told by the names of the file', async () => {
    const done = await imports.run(GERMAN, MAPPED);
    expect(done).toMatchObject({ total_rows: 2, created: 1, rejected: 1 });
    expect(await imports.customer('k-1')).toMatchObject({ email: 'zoe@example.com', first_name: 'Zoë', city: 'Köln' });
    expect(await imports.report(done.id, 'errors')).toMatch(/^line,column,code,detail\n3,E-Mail,is_email,/);
  });

  test('everything that is wrong with the parameters, or with the mapping, is told at once', async () => {
    const faults = async (query: string) => {
      const response = await imports.upload(GERMAN, query);
      const { errors } = (await response.json()) as { errors: { parameter?: string; column?: string; code: string }[] };
      return [response.status, ...errors.map(({ parameter, column, code }) => `${parameter ?? column} ${code}`)];
    };
    expect(await faults('?columns[Kundennummer]=id&columns[Tel]=phone&columns[E-Mail]=email')).toEqual([400, 'columns[Kundennummer] unknown_column', 'columns[Tel] column_not_found', 'Vorname unknown_column', 'Notiz unknown_column']);
    expect(await faults('?dry_run=perhaps&dry=true&columns[a]=city&columns[a]=email')).toEqual([400, 'dry_run is_boolean', 'dry unknown_property', 'columns[a] is_string']);
    expect(await imports.count('imports')).toBe(0);
  });

  test('the typed client says it in one object', async () => {
    const { data } = await app.api(['marketing'], imports.tenant).POST('/api/v1/marketing/customers/import', {
      params: { query: { columns: { 'E-Mail (privat)': 'email', Nr: 'customer_id' }, dry_run: true } },
      body: 'Nr,E-Mail (privat)\na,a@example.com\n',
      bodySerializer: (body: string) => body,
      headers: { 'content-type': 'text/csv' },
    } as never);
    expect(await imports.completed((data as unknown as { id: string }).id)).toMatchObject({ created: 1, rejected: 0, dry_run: true });
  });

  test('a dry run tells what would happen, and nothing does', async () => {
    await imports.put('known', { email: 'known@example.com', city: 'Rome' });
    const file = ['customer_id,email,consents.email.status', 'known,,subscribed', 'new,new@example.com,subscribed', 'new,,unsubscribed', ',known@example.com,', 'bad,nobody,', ...Array.from({ length: CHUNK }, (_, n) => `c${n},,`), 'new,,', 'c0,,', 'known,,'].join('\n');
    const { data: segment } = await app.api(['marketing'], imports.tenant).POST('/api/v1/marketing/segments', { body: { name: 'Guests', type: 'imported' } });
    const state = async () => ({
      known: await imports.customer('known'),
      rows: await Promise.all(['customers', 'consent_log', 'suppressions'].map((table) => imports.count(table))),
      members: (await app.api(['marketing'], imports.tenant).GET('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: segment!.id } } })).data!.size,
      changes: await app.sql(`SELECT last_value FROM changed_customers_change_no_seq`),
    });
    const before = await state();

    const dry = await imports.run(file, '?dry_run=true', `/segments/${segment!.id}/import`);
    expect(dry).toMatchObject({ dry_run: true, total_rows: CHUNK + 8, processed: CHUNK + 8, created: CHUNK + 1, updated: 6, rejected: 1 });
    expect(await imports.report(dry.id, 'rejected')).toContain('bad,nobody,');
    expect(await state()).toEqual(before);
    expect(await Promise.all(['import_seen', 'import_chunks'].map((table) => imports.count(table)))).toEqual([0, 0]);

    const { created, updated, rejected } = await imports.run(file, '', `/segments/${segment!.id}/import`);
    expect({ created, updated, rejected }).toEqual({ created: dry.created, updated: dry.updated, rejected: dry.rejected });
  });

  test('a dry run and the import itself do not share an Idempotency-Key', async () => {
    const send = (query: string) => imports.upload('customer_id\na\n', query, { headers: { 'idempotency-key': 'one' } });
    expect((await send('?dry_run=true')).status).toBe(202);
    const other = await send('');
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([422, 'idempotency_key_reused']);
  });

  test('progress tells when, how fast and for how much longer', async () => {
    const begun = app.clock.now().getTime();
    const response = await imports.upload(`customer_id\n${Array.from({ length: 5 * CHUNK }, (_, n) => `c${n}\n`).join('')}`);
    const queued = (await response.json()) as { id: string };
    expect(queued).toMatchObject({ status: 'queued', dry_run: false, started_at: null, finished_at: null, rows_per_second: null, eta_seconds: null });
    const done = await imports.completed(queued.id);
    expect([Date.parse(done.started_at!) >= begun, Date.parse(done.finished_at!) >= Date.parse(done.started_at!), done.eta_seconds]).toEqual([true, true, null]);
    expect(done.rows_per_second).toBeGreaterThan(10);
    await app.sql(`UPDATE imports SET status = 'running', processed = total_rows / 5, started_at = $2, finished_at = NULL WHERE import_id = $1`, [queued.id, new Date(app.clock.now().getTime() - 100_000)]);
    const running = await imports.get(queued.id);
    expect(running.rows_per_second).toBe(10);
    expect(running.eta_seconds).toBeGreaterThan(395);
    expect(running.eta_seconds).toBeLessThan(410);
  });
});

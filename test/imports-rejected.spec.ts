import { ImportRetention } from '#customers';
import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

const DAY = 86_400_000;

describe('the rejected rows of an import', () => {
  let app: TestApp;
  let imports: TestImports;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  beforeEach(() => void (imports = new TestImports(app, newTenant())));
  afterAll(() => app.close());

  const FILE = 'Nr;E-Mail;phone;first_name;Notes\na;a@example.com;;Ann;fine\nb;nobody;+1;"Bob; ""the"" first";=1+1\nc;c@example.com\nd;;+41791234567;D;"a\n\u0000"\n;stranger@example.com;;;"-"\n';
  const QUERY = '?columns[Nr]=customer_id&columns[E-Mail]=email&columns[Notes]=';

  test('come back cell by cell with why, and go in again corrected', async () => {
    const done = await imports.run(FILE, QUERY);
    expect(done).toMatchObject({ created: 2, rejected: 3 });
    const report = await imports.report(done.id, 'rejected');
    expect(report).toBe(
      'error_line,error_column,error_code,Nr,E-Mail,phone,first_name,Notes\n' +
        '3,E-Mail|phone,is_email|is_phone,b,nobody,+1,"Bob; ""the"" first",=1+1\n' +
        '4,,column_count,c,c@example.com\n' +
        '7,E-Mail,customer_not_found,,stranger@example.com,,,-\n',
    );
    const corrected = report.replace('nobody,+1,', 'bob@example.com,+41791234568,').replace('c,c@example.com\n', 'c,c@example.com,,,\n').replace(',,stranger', ',s,stranger').replace('=1+1', 'still =1+1');
    const again = await imports.run(corrected, QUERY);
    expect(again).toMatchObject({ total_rows: 3, created: 3, rejected: 0 });
    expect(await imports.customer('b')).toMatchObject({ first_name: 'Bob; "the" first', phone: '+41791234568' });

    const twice = await imports.run(report, QUERY);
    expect((await imports.report(twice.id, 'rejected')).split('\n').slice(0, 2)).toEqual([
      'error_line,error_column,error_code,Nr,E-Mail,phone,first_name,Notes',
      '2,E-Mail|phone,is_email|is_phone,b,nobody,+1,"Bob; ""the"" first",=1+1',
    ]);
  });

  test('the reports of ours name no formula, whatever the file calls its columns', async () => {
    const done = await imports.run('customer_id,=cmd()\na,nobody\n', '?columns[%3Dcmd()]=email');
    expect(await imports.report(done.id, 'errors')).toContain("\n2,'=cmd(),is_email,");
    expect(await imports.report(done.id, 'rejected')).toContain("\n2,'=cmd(),is_email,a,nobody\n");
  });

  test('an import without any gives the header alone', async () => {
    const done = await imports.run('customer_id,city\na,Rome\n');
    expect(await imports.report(done.id, 'rejected')).toBe('error_line,error_column,error_code,customer_id,city\n');
  });

  test('are gone after thirty days, as is after one an upload that nobody heard of', async () => {
    const done = await imports.run('customer_id,email\na,nobody\n');
    await app.sql(`INSERT INTO imports (tenant_id, import_id, status, header, columns, created_at) SELECT id, 'imp_orphan', 'receiving', '{}', '{}', $2 FROM tenants WHERE name = $1`, [imports.tenant, app.clock.now()]);
    const sweep = () => app.nest.get(ImportRetention, { strict: false }).sweep(new AbortController().signal);
    const kept = async () => [await imports.count('imports'), await imports.count('import_rejected'), await imports.count('import_errors')];
    await sweep();
    expect(await kept()).toEqual([2, 1, 1]);
    app.clock.advance(1.1 * DAY);
    await sweep();
    expect(await kept()).toEqual([1, 1, 1]);
    app.clock.advance(29 * DAY);
    await sweep();
    expect(await kept()).toEqual([1, 0, 0]);
    app.clock.advance(-30.1 * DAY); // or no token would be valid
    expect(await imports.get(done.id)).toMatchObject({ rejected: 1 });
    expect(await imports.report(done.id, 'rejected')).toBe('error_line,error_column,error_code,customer_id,email\n');
  });
});

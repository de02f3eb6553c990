import { Readable } from 'node:stream';
import pg from 'pg';
import { ImportRetention } from '#customers';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

const CUSTOMER = '/api/v1/marketing/customers/{customer_id}';

/** Rows that an import works on at once. */
const CHUNK = 1000;

const numbered = (count: number, name: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => name(n));

describe('people erased and merged while files about them are imported', () => {
  let app: TestApp;
  let imports: TestImports;
  beforeAll(async () => {
    app = await startApp({ worker: true });
    await app.sql(`CREATE TABLE counted_failures (failures int);
      CREATE FUNCTION test_count_failure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO counted_failures VALUES (NEW.failures); RETURN NULL; END $$;
      CREATE TRIGGER test_count_failure AFTER UPDATE ON imports FOR EACH ROW WHEN (NEW.failures > OLD.failures) EXECUTE FUNCTION test_count_failure()`);
  });
  afterAll(() => app.close());
  beforeEach(() => void (imports = new TestImports(app, newTenant())));

  const api = () => app.api(['tenant_admin'], imports.tenant);
  const erase = async (customer_id: string) => (await api().DELETE(CUSTOMER, { params: { path: { customer_id } } })).response.status;
  const merge = async (customer_id: string, from: string) => (await api().POST(`${CUSTOMER}/merge`, { params: { path: { customer_id } }, body: { from } })).response.status;
  const start = async (rows: readonly string[]) => ((await (await imports.upload(rows.join('\n'))).json()) as { id: string }).id;
  const ids = async () => (await app.sql<{ id: string }>('SELECT customer_id AS id FROM customers WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)', [imports.tenant])).map(({ id }) => id);
  /** How often failures were counted against imports since this was last asked: a chunk that succeeds forgives them. */
  const failures = () => app.sql('DELETE FROM counted_failures RETURNING failures');
  const waiting = (count: number) =>
    eventually(async () => expect(await app.sql(`SELECT pid FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`)).toHaveLength(count));

  const held: pg.Client[] = [];
  const letGo = async (): Promise<void> => void (await Promise.all(held.splice(0).map((client) => client.end())));
  afterEach(letGo);

  /** Locks what the statement selects, until all is let go. */
  const hold = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: await specDatabase() });
    await client.connect();
    held.push(client);
    await client.query('BEGIN');
    expect((await client.query(`${statement} FOR UPDATE`)).rowCount).toBe(1);
  };

  test('an erasure lets the import finish the rows it works on before it touches the person', async () => {
    await imports.run('customer_id\nfirst\nsecond\n');
    await hold(`SELECT FROM customers WHERE customer_id = 'first'`);
    const id = await start(['customer_id,city', 'first,X', 'second,X']);
    await waiting(1);
    const erased = erase('second');
    await waiting(2);
    const free = await app.sql(`SELECT customer_id FROM customers WHERE customer_id = 'second' FOR UPDATE SKIP LOCKED`);
    await letGo();
    expect([free, await erased, await imports.completed(id), await ids()]).toMatchObject([[{ customer_id: 'second' }], 204, { updated: 2, rejected: 0 }, ['first']]);
  });

  test('it takes all rows of the person out of what waits, however they are written, and waits for no others', async () => {
    const [one, ten] = [{ customer_id: 'd1', email: 'd1@müller.example' }, { customer_id: 'd10', email: 'd1@müller.example.org' }];
    await imports.run(['customer_id,email', 'gate,', ...[one, ten].map(({ customer_id, email }) => `${customer_id},${email}`)].join('\n'));
    await hold(`SELECT FROM customers WHERE customer_id = 'gate'`);
    const id = await start([
      'customer_id,email,city', 'gate,,X', ...numbered(CHUNK - 1, (n) => `first-${n},,X`),
      'd1,,X', '\u00a0d1 ,,X', '"\td1",,X', ',D1@MÜLLER.example,X', ',d1@xn--mller-kva.example,X', ...numbered(CHUNK - 5, (n) => `second-${n},,X`),
      'd10,,d1', `,${ten.email},X`, 'd11,,"said ""d1"""', ...numbered(CHUNK - 3, (n) => `third-${n},,X`),
    ]);
    await waiting(1);
    await hold(`SELECT FROM import_chunks WHERE chunk_no = 2 AND tenant_id = (SELECT id FROM tenants WHERE name = '${imports.tenant}')`);
    expect(await erase('d1')).toBe(204);
    await letGo();
    expect(await imports.completed(id)).toMatchObject({ processed: 3 * CHUNK, rejected: 5, updated: 3 });
    expect((await imports.report(id, 'errors')).match(/customer_erased/g)).toHaveLength(5);
    expect((await ids()).filter((known) => /^d/.test(known.trim())).sort()).toEqual(['d10', 'd11']);
  });

  test('several files, erasures and merges at once: all succeed, and whoever was erased stays away', async () => {
    const [gone, old, kept] = [numbered(200, (n) => `gone-${n}`), numbered(40, (n) => `old-${n}`), numbered(CHUNK, (n) => `kept-${n}`)];
    const everybody = kept.flatMap((id, n) => [id, ...(n % 5 === 0 ? [gone[n / 5]!] : []), ...(n % 25 === 0 ? [old[n / 25]!] : [])]);
    await imports.run(['customer_id,email', ...everybody.map((id) => `${id},${id}@example.com`)].join('\n'));
    const files = [];
    for (const city of ['A', 'B', 'C']) files.push(await start(['customer_id,email,city', ...everybody.map((id, n) => `${n % 2 === 0 ? id : ''},${id}@example.com,${city}`)]));
    const statuses = new Map<number, number>();
    const each = async (work: (() => Promise<number>)[]): Promise<void> => {
      for (let next = work.pop(); next !== undefined; next = work.pop()) {
        const status = await next();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const erasures = gone.map((id) => () => erase(id)).reverse();
    const merges = old.map((id, n) => () => merge(kept[n * 20]!, id)).reverse();
    await Promise.all([...Array.from({ length: 6 }, () => each(erasures)), ...Array.from({ length: 2 }, () => each(merges))]);
    for (const id of files) expect(await imports.completed(id, 60_000)).toMatchObject({ total_rows: everybody.length, processed: everybody.length });
    expect([...statuses].sort()).toEqual([[200, old.length], [204, gone.length]]);
    expect((await ids()).sort()).toEqual([...kept].sort());
    expect(await failures()).toEqual([]);
  }, 120_000);

  /** A file that is sent as far as said, and the rest when asked. */
  const sending = (begin: string, rest: string) => {
    const go = Promise.withResolvers<void>();
    const answer = imports.upload(Readable.from((async function* () {
      yield begin;
      await go.promise;
      yield rest;
    })()));
    return { answer, send: go.resolve };
  };
  const underWay = (chunks: number) =>
    eventually(async () => expect(await app.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%INTO import_chunks%' AND state = 'idle in transaction'`)).toHaveLength(chunks));

  test('whoever is erased while a file about them is on its way stays away', async () => {
    await imports.run('customer_id,email,phone\nvic,vic@example.com,+41791234567\nold-vic,,\nann,ann@example.com,\n');
    expect(await merge('vic', 'old-vic')).toBe(200);
    const upload = sending(['customer_id,email,phone,first_name', 'vic,,,Vic', 'old-vic,,,Vic', ',VIC@example.com,,Vic', ',no.address,+41 79 123 45 67,Vic', ...numbered(CHUNK, (n) => `other-${n},,,X`), ''].join('\n'), 'ann,vic@example.com,+41791234567,Ann\n');
    await underWay(1);
    expect(await erase('vic')).toBe(204);
    upload.send();
    const { id } = (await (await upload.answer).json()) as { id: string };
    expect(await imports.completed(id)).toMatchObject({ total_rows: CHUNK + 5, created: CHUNK, updated: 1, rejected: 4 });
    expect((await imports.report(id, 'errors')).match(/customer_erased/g)).toHaveLength(4);
    expect(await imports.report(id, 'rejected')).not.toMatch(/vic|123/i);
    expect((await ids()).filter((known) => !known.startsWith('other-'))).toEqual(['ann']);
  });

  test('an upload ends behind the erasures that have begun', async () => {
    await imports.run('customer_id\nvic\n');
    await hold(`SELECT FROM customers WHERE customer_id = 'vic'`);
    const upload = sending(['customer_id,first_name', 'vic,Vic', ...numbered(CHUNK, (n) => `other-${n},X`), ''].join('\n'), 'last,X\n');
    await underWay(1);
    const erased = erase('vic'); // it has looked for waiting rows, and waits for the customer
    await waiting(1);
    upload.send();
    await waiting(2);
    await letGo();
    const { id } = (await (await upload.answer).json()) as { id: string };
    expect([await erased, await imports.completed(id)]).toMatchObject([204, { created: CHUNK + 1, rejected: 1 }]);
    expect(await ids()).not.toContain('vic');
  });

  test('what tells of the erased is kept no longer than webhook events, or a file on its way', async () => {
    await imports.run('customer_id\nvic\n');
    const sweep = () => app.nest.get(ImportRetention, { strict: false }).sweep(new AbortController().signal);
    await erase('vic');
    await sweep();
    for (const email of ['before@example.com', 'after@example.com']) await imports.run(`customer_id,email\nmoves,${email}\n`);
    await sweep();
    for (const table of ['erased_names', 'former_names']) expect([table, await imports.count(table)]).toEqual([table, 1]);
    await app.sql(`UPDATE erased_names SET erased_at = now() - interval '32 days'`);
    await app.sql(`UPDATE former_names SET left_at = now() - interval '32 days'`);
    await sweep();
    for (const table of ['erased_names', 'former_names']) expect([table, await imports.count(table)]).toEqual([table, 0]);
  });

  test('rejected rows go with whom they are about, also by their phone', async () => {
    await imports.run('customer_id,phone\nzoe,+41791234568\nann,+41791234569\n');
    const { id } = await imports.run('customer_id,email,phone,first_name\n,zoe.at.example.com,+41 79 123 45 68,Zoe\n,ann.at.example.com,+41791234569,Ann\n');
    expect(await erase('zoe')).toBe(204);
    expect(await imports.report(id, 'rejected')).toMatch(/^[^\n]*\n[^\n]*Ann\n$/);
  });

  test('rejected rows go however they spell whom they are about: in other digits, or with accents apart', async () => {
    await imports.run('customer_id,phone,email\nz-9,+41791234570,zorá@example.com\n');
    const { id } = await imports.run('customer_id,email,phone,birthday,first_name\n,nobody,+٤١٧٩١٢٣٤٥٧٠,,Guest\n,zora\u0301@example.com,,nonsense,Guest\n');
    expect(await imports.report(id, 'rejected')).toMatch(/Guest[^]*Guest/);
    expect(await erase('z-9')).toBe(204);
    expect(await imports.report(id, 'rejected')).not.toMatch(/Guest/);
  });

  /** The first attempts to make a customer fail. */
  const thwart = (times: number, sqlState: string) => app.sql(`
    DROP SEQUENCE IF EXISTS thwarted; CREATE SEQUENCE thwarted;
    CREATE OR REPLACE FUNCTION test_thwart() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN IF nextval('thwarted') <= ${times} THEN RAISE EXCEPTION 'thwarted' USING ERRCODE = '${sqlState}'; END IF; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER test_thwart BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION test_thwart()`);

  test.each([
    ['deadlocks', 7, '40P01'],
    ['locks of others that last too long', 7, '55P03'],
    ['a server that shuts down', 1, '57P01'],
  ])('%s are never the file’s fault', async (_, times, sqlState) => {
    await thwart(times, sqlState);
    expect(await imports.run(`customer_id\nada-${sqlState}\n`)).toMatchObject({ created: 1 });
    expect(await failures()).toEqual([]);
  });

  test('a failure is forgiven once a chunk succeeds: only several in a row end an import', async () => {
    await thwart(1, 'P0001');
    const { id } = await imports.run('customer_id\nada-again\n');
    expect(await failures()).toEqual([{ failures: 1 }]);
    expect(await app.sql('SELECT failures FROM imports WHERE import_id = $1', [id])).toEqual([{ failures: 0 }]);
  });
});

import { Readable } from 'node:stream';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

const LIST = '/api/v1/marketing/imports';
const CANCEL = '/api/v1/marketing/imports/{import_id}/cancel';

/** Rows of a chunk. */
const CHUNK = 1000;

describe('imports that are canceled', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  let imports: TestImports;
  beforeEach(() => void (imports = new TestImports(app, newTenant())));

  const cancel = (import_id: string, tenant = imports.tenant) => app.api(['marketing'], tenant).POST(CANCEL, { params: { path: { import_id } } });
  const audited = () => app.sql(`SELECT actor, detail FROM audit_log JOIN tenants t ON t.id = tenant_id WHERE t.name = $1 AND action = 'import.canceled'`, [imports.tenant]);
  const upload = async (count: number, query = ''): Promise<string> => {
    const rows = function* () {
      yield 'customer_id,email\n';
      for (let n = 0; n < count; n++) yield `c${n % 15_000},${n % 50 === 7 ? 'nobody' : `c${n}@example.com`}\n`;
    };
    return ((await (await imports.upload(Readable.from(rows(), { objectMode: false }), query)).json()) as { id: string }).id;
  };

  test('a file stops at the next chunk: what was applied stays and is counted, the rest is gone', async () => {
    const letGo = await imports.holdAt(3 * CHUNK);
    const id = await upload(20_000);
    await eventually(async () => expect(await imports.held()).toHaveLength(1), { within: 30_000 });
    const canceling = Promise.all([cancel(id), cancel(id)]);
    await eventually(async () => expect(await app.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event IN ('transactionid', 'tuple')`)).toHaveLength(2));
    await letGo();
    const [{ data: canceled }, { data: again }] = await canceling;
    expect(again).toEqual(canceled);
    expect(canceled).toMatchObject({ status: 'canceled', total_rows: 20_000, finished_at: expect.any(String), eta_seconds: null });
    expect(canceled!.processed % CHUNK).toBe(0);
    expect(canceled!.processed).toBeGreaterThanOrEqual(3 * CHUNK);
    expect(canceled!.processed).toBeLessThan(20_000);
    expect(canceled!.processed).toBe(canceled!.created + canceled!.updated + canceled!.rejected);
    expect([await imports.count('customers'), await imports.count('import_chunks'), await imports.count('import_errors')]).toEqual([canceled!.created, 0, canceled!.rejected]);
    expect(await audited()).toEqual([{ actor: expect.any(String), detail: { import_id: id, processed: canceled!.processed, total_rows: 20_000 } }]);

    expect(await imports.run('customer_id\nlater\n')).toMatchObject({ created: 1 });
    await eventually(async () => expect(await app.sql(`SELECT 1 FROM pgboss.job WHERE name = 'customer-import' AND state IN ('created', 'active', 'retry')`)).toEqual([]));
    expect(await imports.get(id)).toEqual(canceled);
    expect(await imports.count('customers')).toBe(canceled!.created + 1);
  });

  test('whenever the cancel comes, the numbers agree', async () => {
    for (const wait of [0, 1, 2, 4]) {
      imports = new TestImports(app, newTenant());
      const id = await upload(8_000);
      await eventually(async () => expect((await imports.get(id)).processed).toBeGreaterThanOrEqual(wait * CHUNK), { within: 30_000 });
      const { data, error } = await cancel(id);
      if (error !== undefined) expect(error).toMatchObject({ code: 'invalid_state' });
      const now = await imports.get(id);
      expect(now).toEqual(data ?? expect.objectContaining({ status: 'completed', processed: 8_000 }));
      expect([wait, now.created + now.updated + now.rejected, await imports.count('customers'), await imports.count('import_chunks')]).toEqual([wait, now.processed, now.created, 0]);
    }
  });

  test('a dry run leaves nothing behind', async () => {
    const letGo = await imports.holdAt(2 * CHUNK);
    const id = await upload(5_000, '?dry_run=true');
    await eventually(async () => expect(await imports.held()).toHaveLength(1), { within: 30_000 });
    const canceling = cancel(id);
    await letGo();
    expect((await canceling).data).toMatchObject({ status: 'canceled', dry_run: true });
    expect([await imports.count('customers'), await imports.count('import_chunks'), await imports.count('import_seen')]).toEqual([0, 0, 0]);
  });

  test('one that has ended, is unknown or another tenant’s is not canceled', async () => {
    const { id } = await imports.run('customer_id\na\n');
    expect((await cancel(id)).error).toMatchObject({ status: 409, code: 'invalid_state', detail: 'The import is completed.' });
    await app.sql(`UPDATE imports SET status = 'failed' WHERE import_id = $1`, [id]);
    expect((await cancel(id)).error).toMatchObject({ status: 409, code: 'invalid_state' });
    for (const { error } of [await cancel('imp_none'), await cancel(id, newTenant())]) expect(error).toMatchObject({ status: 404, code: 'import_not_found' });
    expect(await audited()).toEqual([]);
  });

  test('are listed with all others, newest first, by status, page and cursor', async () => {
    const ids: string[] = [];
    for (const id of ['a', 'b', 'c']) ids.unshift((await imports.run(`customer_id\n${id}\n`)).id);
    await app.sql(`UPDATE imports SET status = 'canceled' WHERE import_id = $1`, [ids[1]]);
    const list = async (query: { page?: number; limit?: number; cursor?: string; status?: 'completed' | 'canceled' }, tenant = imports.tenant) => {
      const { data } = await app.api(['marketing'], tenant).GET(LIST, { params: { query } });
      return { ids: data!.data.map((one) => one.id), meta: data!.meta };
    };
    expect(await list({})).toEqual({ ids, meta: { page: 1, limit: 20, total: 3, total_relation: 'eq', has_more: false, next_cursor: null } });
    expect(await list({ status: 'canceled' })).toMatchObject({ ids: [ids[1]], meta: { total: 1 } });
    expect(await list({ page: 2, limit: 2 })).toMatchObject({ ids: [ids[2]], meta: { page: 2, has_more: false } });
    const first = await list({ limit: 1, status: 'completed' });
    expect(first).toMatchObject({ ids: [ids[0]], meta: { total: 2, has_more: true } });
    expect(await list({ limit: 1, status: 'completed', cursor: first.meta.next_cursor! })).toMatchObject({ ids: [ids[2]], meta: { has_more: false } });
    expect((await list({}, newTenant())).ids).toEqual([]);
    await app.sql(`UPDATE imports SET status = 'receiving' WHERE import_id = $1`, [ids[0]]); // nobody has heard of it yet
    expect(await list({})).toMatchObject({ ids: ids.slice(1), meta: { total: 2 } });
    expect((await app.fetch(`${LIST}?status=receiving`, {})).status).toBe(400);
  });
});

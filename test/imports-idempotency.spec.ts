import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';

const CUSTOMERS = '/api/v1/marketing/customers/import';
const FILE = 'customer_id\na\nb\n';

describe('an import under an Idempotency-Key', () => {
  let app: TestApp;
  let members: string;
  beforeAll(async () => {
    app = await startApp(); // without a worker: what is queued stays as it was answered
    const { data } = await app.api().POST('/api/v1/marketing/segments', { body: { name: 'Guests', type: 'imported' } });
    members = `/api/v1/marketing/segments/${data!.id}/import`;
  });
  afterAll(() => app.close());

  const post = (key: string, body: unknown = FILE, path = CUSTOMERS, type = 'text/csv') =>
    app.fetch(path, { method: 'POST', headers: { 'content-type': type, 'idempotency-key': key }, body: body as never, duplex: 'half' } as never);
  const replayed = (response: Response) => response.headers.get('idempotency-replayed');
  const idOf = async (response: Response) => ((await response.json()) as { id: string }).id;
  const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];
  const imports = () => app.sql<{ import_id: string }>(`SELECT import_id FROM imports WHERE status <> 'receiving'`);
  const started = async (work: () => Promise<unknown>) => {
    const before = (await imports()).length;
    await work();
    return (await imports()).length - before;
  };
  /** A file whose end is not sent before it is told. */
  const slowFile = () => {
    const end = Promise.withResolvers<void>();
    async function* parts() {
      yield FILE;
      await end.promise;
      yield 'c\n';
    }
    return { body: parts(), end };
  };
  const uploading = () => eventually(async () => expect(await app.sql(`SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND locktype = 'advisory'`)).not.toEqual([]));

  test.each(['customers', 'members'])('is answered again as at first, and starts once: %s', async (which) => {
    const path = which === 'members' ? members : CUSTOMERS;
    expect(await started(async () => {
      const [first, again] = [await post('again', FILE, path), await post('again', FILE, path)];
      expect([first.status, replayed(first), again.status, replayed(again)]).toEqual([202, null, 202, 'true']);
      const body = await first.json();
      expect(body).toMatchObject({ status: 'queued', total_rows: 2 });
      expect(await again.json()).toEqual(body);
    })).toBe(1);
  });

  test('the same bytes in another charset are another file', async () => {
    const file = Buffer.from('customer_id,city\na,Z\u00fcrich\n', 'latin1');
    expect((await post('charset', file, CUSTOMERS, 'text/csv; charset=windows-1252')).status).toBe(202);
    expect(await codeOf(await post('charset', file, CUSTOMERS, 'text/csv; charset=windows-1250'))).toEqual([422, 'idempotency_key_reused']);
  });

  test('with another file it is a mistake, be it the last byte of a large one', async () => {
    const large = `customer_id\n${'someone\n'.repeat(200_000)}`;
    expect(await started(async () => {
      expect((await post('reused', large)).status).toBe(202);
      expect(await codeOf(await post('reused', `${large}x`))).toEqual([422, 'idempotency_key_reused']);
      expect(await codeOf(await post('reused', 'no CSV at all "'))).toEqual([422, 'idempotency_key_reused']);
      expect(replayed(await post('reused', large))).toBe('true');
    })).toBe(1);
  });

  test('each route has keys of its own', async () => {
    const ids = await Promise.all([CUSTOMERS, members].map(async (path) => idOf(await post('routes', FILE, path))));
    expect(new Set(ids).size).toBe(2);
    const again = await Promise.all([CUSTOMERS, members].map(async (path) => idOf(await post('routes', FILE, path))));
    expect(again).toEqual(ids);
  });

  test('is in flight for as long as the file streams', async () => {
    const { body, end } = slowFile();
    expect(await started(async () => {
      const first = post('slow', body);
      await uploading();
      const [meanwhile, other] = [await post('slow'), await post('other')];
      end.resolve();
      expect(await codeOf(meanwhile)).toEqual([409, 'idempotency_in_flight']);
      expect([other.status, (await first).status]).toEqual([202, 202]);
      const again = await post('slow', `${FILE}c\n`);
      expect([replayed(again), await idOf(again)]).toEqual(['true', await idOf(await first)]);
    })).toBe(2);
  });

  test('of five at once one starts', async () => {
    expect(await started(async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => post('crowd')));
      expect(answers.filter(({ status }) => status !== 202 && status !== 409)).toEqual([]);
      const ids = await Promise.all(answers.filter(({ status }) => status === 202).map(idOf));
      expect(new Set(ids).size).toBe(1);
    })).toBe(1);
  });

  test('a file that broke off or was refused leaves its key free', async () => {
    const { body, end } = slowFile();
    expect(await started(async () => {
      const broken = post('free', body);
      await uploading();
      end.reject(new Error('the sender goes away'));
      await expect(broken).rejects.toThrow();
      await eventually(async () => expect((await post('free', 'customer_id,emial\n')).status).toBe(400));
      const good = await post('free');
      expect([good.status, replayed(good)]).toEqual([202, null]);
    })).toBe(1);
    expect(await codeOf(await post('nowhere', FILE, '/api/v1/marketing/segments/seg_none/import'))).toEqual([404, 'segment_not_found']);
    expect(await app.sql(`SELECT 1 FROM imports WHERE status = 'receiving'`)).toEqual([]);
  });
});

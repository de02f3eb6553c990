import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

/** Connections that files in transit may hold, of all tenants and of each. */
const [ALL, OWN] = [20, 5];

describe('files that take their time', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ env: { DATABASE_POOL: String(ALL / 2) } })));
  afterAll(() => app.close());

  /** A file that has begun and goes on when it is let. */
  const slowFile = () => {
    let end!: () => void;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('customer_id\na\n'));
        end = () => controller.close();
      },
    });
    return { body, end };
  };

  const underWay = async (): Promise<number> => {
    const [row] = await app.sql<{ count: number }>(`SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`);
    return row!.count;
  };

  test('of one tenant leave room for another’s', async () => {
    const [slow, other] = [new TestImports(app, newTenant()), new TestImports(app, newTenant())];
    for (const { tenant } of [slow, other]) await app.api(['marketing'], tenant).GET('/api/v1/marketing/settings');
    const files = Array.from({ length: ALL }, slowFile);
    const answered: Response[] = [];
    const uploads = files.map(async ({ body }) => void answered.push(await slow.upload(body)));
    try {
      await eventually(async () => expect(answered.length + (await underWay())).toBe(ALL), { within: 20_000 });
      expect((await other.upload('customer_id\nb\n')).status).toBe(202);
      expect(answered.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(Array(ALL - OWN).fill([503, '5']));
    } finally {
      for (const { end } of files) end();
      await Promise.allSettled(uploads);
    }
    expect(answered.filter(({ status }) => status === 202)).toHaveLength(OWN);
    expect((await slow.upload('customer_id\nc\n')).status).toBe(202); // what was lent came back
  }, 60_000);
});

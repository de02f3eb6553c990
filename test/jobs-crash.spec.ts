import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';

/** Any that is quickly done. */
const SOME = jobType<{ segment_no: number }>('segments.rebuild', { collapse: true });

describe('the job of a worker that was killed', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  test('is done by another within a minute, of whatever kind it is', async () => {
    const kinds = await app.sql<{ name: string }>('SELECT name FROM pgboss.queue WHERE coalesce(heartbeat_seconds, 3600) > 30');
    expect(kinds).toEqual([]);
    const tenant = await tenantOf(app);
    await app.nest.get(Database).inTenant(tenant, (tx) => app.nest.get(Jobs).enqueue(tx, tenant, SOME, { segment_no: 1 }, { startAfter: new Date(Date.now() + 3_600_000) }));
    const state = async () => (await app.sql<{ state: string }>(`SELECT state FROM pgboss.job WHERE name = $1 AND data -> 'tenant' ->> 'name' = $2`, [SOME.name, tenant.name])).map((job) => job.state);
    // As if somebody had taken it, and had last been heard of 25 seconds ago: it is given up after 30.
    await app.sql(`UPDATE pgboss.job SET state = 'active', started_on = now(), heartbeat_on = now() - interval '25 seconds' WHERE name = $1 AND data -> 'tenant' ->> 'name' = $2`, [SOME.name, tenant.name]);
    expect(await state()).toEqual(['active']);
    await eventually(async () => expect(await state()).toEqual(['completed']), { within: 70_000 });
  }, 80_000);
});

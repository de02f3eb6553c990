import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { ApiModule } from '#app/api/src/api.module';
import { loadEnv } from '#config';
import type { Tenant } from '#kernel';
import { SegmentRepairs, SegmentSweeps } from '#segments';
import { Tenants } from '#tenants';
import type { Bench, Figure } from './bench.js';
import { load } from './duel.js';
import { atMost, median, reported, timed } from './figures.js';
import { CUSTOMERS, manyCriteria, PAGES_CRITERIA, seedCustomers, seedEvents } from './segment-data.js';

const CHANGED = 10_000;
const SWEPT = 40;
const REFRESHED = 200;

/** Segments of a million customers: previews, members, following, the nightly comparison, and what writers feel of it all. */
export async function* segments(bench: Bench): AsyncGenerator<Figure> {
  await seedCustomers(bench);
  await seedEvents(bench);
  const env = loadEnv({ DATABASE_URL: bench.databaseUrl, JWT_SECRET: 'x'.repeat(32), SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal' });
  const app = await NestFactory.createApplicationContext(ApiModule.forRoot(env), { logger: false });
  try {
    const tenant = await app.get(Tenants).resolve(bench.tenant);
    const followers = { sweeps: app.get(SegmentSweeps, { strict: false }), repairs: app.get(SegmentRepairs, { strict: false }), tenant };
    yield* previews(bench);
    yield* refreshed(bench, followers, SWEPT - 4); // and the four that every tenant has
    yield await followed(bench, followers);
    yield* refreshed(bench, followers, REFRESHED - SWEPT);
    yield await stored(bench);
    yield* pages(bench);
    yield await created(bench);
    yield await writers(bench);
  } finally {
    await app.close();
  }
}

interface Followers {
  sweeps: SegmentSweeps;
  repairs: SegmentRepairs;
  tenant: Tenant;
}

const request = ({ api, token }: Bench, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${api.url}/api/v1/marketing${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });

/** A count over HTTP, less what a request takes that counts nobody, against the same count by hand, with the same indexes, past row-level security. */
async function* previews(bench: Bench): AsyncGenerator<Figure> {
  const preview = (criteria: object): Promise<number> => timed(async () => (await request(bench, '/segments/preview', { method: 'POST', body: JSON.stringify({ criteria }) })).json());
  for (const { criteria, byHand } of PAGES_CRITERIA) {
    const whole: number[] = [];
    const ratios: number[] = [];
    for (let round = 0; round < 16; round++) {
      const nothing = await preview({ city: 'Nowhere' });
      const ours = await preview(criteria);
      const hand = await timed(() => bench.sql.query(`SELECT count(*) FROM customers WHERE tenant_id = $1 AND ${byHand}`, [bench.tenantId]));
      if (round === 0) continue;
      whole.push(ours);
      ratios.push((ours - nothing) / hand);
    }
    yield atMost(`preview ${JSON.stringify(criteria)}: its count ÷ by hand`, ratios, 1.2, 'x');
    yield reported('… the whole request', `${median(whole).toFixed(1)} ms`);
  }
}

/** Makes so many segments more, and compares all there are with all customers. */
async function* refreshed({ sql, tenantId }: Bench, { repairs, tenant }: Followers, more: number): AsyncGenerator<Figure> {
  const { rows: [kept] } = await sql.query<{ count: number }>('SELECT count(*)::int FROM segments WHERE tenant_id = $1', [tenantId]);
  await sql.query(
    `INSERT INTO segments (tenant_id, segment_id, name, type, criteria, created_at, updated_at, followed_at)
     SELECT $1, 'seg_bench' || n || '_' || $3, 'Segment ' || n, 'dynamic', criteria, now(), now(), now() FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given (criteria, n)`,
    [tenantId, JSON.stringify(manyCriteria(kept!.count + more).slice(kept!.count)), more],
  );
  const compare = async (): Promise<number> => {
    await sql.query(`UPDATE segment_repairs SET due_at = now() - interval '1 minute', next_no = 0 WHERE tenant_id = $1`, [tenantId]);
    return (await timed(() => repairs.run(tenant))) / 1000;
  };
  const filling = await compare();
  await sql.query('VACUUM ANALYZE segment_members');
  const count = kept!.count + more;
  yield reported(`${more} of ${count} segments filled for the first time`, `${filling.toFixed(1)} s`);
  if (count < REFRESHED) return;
  const { rows: [sum] } = await sql.query<{ members: number }>('SELECT sum(size)::int AS members FROM segments WHERE tenant_id = $1', [tenantId]);
  yield atMost(`${count} segments of ${CUSTOMERS.toLocaleString('en')} customers refreshed in full (${(sum!.members / 1e6).toFixed(1)} M members)`, [await compare()], 60, 's');
}

/** From a committed change of ten thousand customers until forty segments are right and who entered and left is told. */
async function followed({ sql, tenantId }: Bench, { sweeps, tenant }: Followers): Promise<Figure> {
  const seconds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const who = [tenantId, Math.max(1, CUSTOMERS / CHANGED), round];
    await sql.query(
      `UPDATE customers SET loyalty_points = (loyalty_points + 137) % 1000, city = CASE city WHEN 'Rome' THEN 'Bern' ELSE 'Rome' END, order_count = (order_count + 3) % 20, last_order_at = now() - interval '1 day' * (customer_no % 90)
        WHERE tenant_id = $1 AND customer_no % $2 = $3`, who);
    await sql.query('INSERT INTO changed_customers (tenant_id, customer_no) SELECT tenant_id, customer_no FROM customers WHERE tenant_id = $1 AND customer_no % $2 = $3', who);
    seconds.push((await timed(() => sweeps.followChanges(tenant))) / 1000);
  }
  return atMost(`${CHANGED.toLocaleString('en')} changed customers × ${SWEPT} segments, followed and told`, seconds, 2, 's');
}

async function stored({ sql, tenantId }: Bench): Promise<Figure> {
  const { rows: [size] } = await sql.query<{ heap: number; indexes: number; rows: number }>(
    `SELECT sum(pg_relation_size(inhrelid))::float8 AS heap, sum(pg_indexes_size(inhrelid))::float8 AS indexes, (SELECT sum(size)::float8 FROM segments WHERE tenant_id = $1) AS rows
       FROM pg_inherits WHERE inhparent = 'segment_members'::regclass`, [tenantId]);
  const each = (bytes: number): string => (bytes / size!.rows).toFixed(0);
  return reported('stored per member', `${each(size!.heap + size!.indexes)} bytes: ${each(size!.heap)} of rows, ${each(size!.indexes)} of two indexes`);
}

/** Pages of a hundred members: the first, and one after nine tenths of them. */
async function* pages(bench: Bench): AsyncGenerator<Figure> {
  const page = async (cursor?: string): Promise<{ data: unknown[]; meta: { next_cursor: string } }> =>
    (await request(bench, `/segments/seg_all_customers/members?limit=100${cursor === undefined ? '' : `&cursor=${cursor}`}`)).json() as never;
  const { meta } = await page();
  const deep = meta.next_cursor.slice(0, 6) + Buffer.from(JSON.stringify([CUSTOMERS * 0.9])).toString('base64url'); // the list's mark, then the last row's number
  const times = async (cursor?: string): Promise<number[]> => {
    const found: number[] = [];
    for (let round = 0; round < 20; round++) {
      found.push(await timed(async () => {
        if ((await page(cursor)).data.length !== 100) throw new Error('not a page of members');
      }));
    }
    return found;
  };
  yield atMost('first page of members', await times(), 50, 'ms');
  yield atMost('page of members after nine tenths of them', await times(deep), 50, 'ms');
}

/** From the POST of a new segment until its members are there; a tenant of this size has a worker compute them. */
async function created(bench: Bench): Promise<Figure> {
  const worker = await bench.startWorker();
  try {
    const seconds: number[] = [];
    for (const days of [30, 60, 90]) {
      const body = JSON.stringify({ name: `Lapsed ${days}`, type: 'dynamic', criteria: { last_order_days_ago: { gte: days } } });
      seconds.push((await timed(async () => {
        let segment = (await (await request(bench, '/segments', { method: 'POST', body })).json()) as { id: string; last_updated?: string };
        for (; segment.last_updated === undefined; await sleep(50)) segment = (await (await request(bench, `/segments/${segment.id}`)).json()) as typeof segment;
      })) / 1000);
    }
    return atMost(`a new segment of ${CUSTOMERS.toLocaleString('en')} customers has its members`, seconds, 10, 's');
  } finally {
    await worker.stop();
  }
}

/**
 * The slowest of a hundred `PUT /customers` of a tenant with two hundred dynamic segments, against one with none of its own, a worker following
 * both. A hundred a second: as many as the machine can would measure how it shares two cores among four processes, not whether anyone waits.
 */
async function writers(bench: Bench): Promise<Figure> {
  const other = { ...bench, ...(await bench.provision('bench-without')) };
  await seedCustomers(other, 20_000);
  await bench.sql.query(`DELETE FROM segments WHERE tenant_id = $1`, [other.tenantId]);
  const worker = await bench.startWorker();
  const p99 = async ({ api, token }: Bench): Promise<number> => {
    let n = 0;
    const result = await load(
      { url: api.url },
      {
        connections: 8,
        overallRate: 100,
        duration: 10,
        requests: [
          {
            setupRequest: (request) => {
              n = (n + 1) % 20_000;
              return { ...request, method: 'PUT', path: `/api/v1/marketing/customers/c${1 + n}`, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ city: `City ${Math.random()}`, loyalty_points: n % 1000 }) };
            },
          },
        ],
      },
    );
    return result.latency.p99;
  };
  const ratios: number[] = [];
  try {
    for (const side of [bench, other]) await p99(side); // warm
    for (let round = 0; round < 5; round++) ratios.push((await p99(bench)) / (await p99(other)));
  } finally {
    await worker.stop();
  }
  return atMost('p99 of PUT /customers with 200 dynamic segments ÷ with none, a worker following', ratios, 1.3, 'x');
}

import assert from 'node:assert/strict';
import type { Bench, Figure, Load } from './bench.js';
import { type Duel, fight } from './duel.js';

const CAMPAIGNS = 200_000;

/** A page of twenty out of 200,000, as a dashboard opens it, against the same rows without any security. */
export async function* campaignsList({ sql, api, token, tenantId, bare }: Bench): AsyncGenerator<Figure> {
  await seed(sql, tenantId);
  const duel: Duel = {
    title: `GET /campaigns, 20 of ${CAMPAIGNS.toLocaleString('en')}`,
    bar: 0.5,
    ours: { url: `${api.url}/api/v1/marketing/campaigns?limit=20`, headers: { authorization: `Bearer ${token}` } },
    bare: { url: `${bare.url}/campaigns?limit=20` },
  };
  assert.deepEqual(await rows(duel.bare), await rows(duel.ours), 'both sides must return the same rows');
  yield await fight(duel);
}

/** Every status and type; each tenth has been sent and has its counters. */
async function seed(sql: Bench['sql'], tenantId: number): Promise<void> {
  await sql.query(
    `INSERT INTO campaigns (tenant_id, campaign_id, name, type, status, channels, segment_no, segment_id, segment_name, content, priority, start_at, end_at, schedule_version, warnings, created_at, updated_at, version)
     SELECT $1, 'camp_bench' || n, 'Campaign ' || n, (ARRAY['promotion', 'newsletter', 'loyalty', 'onboarding'])[1 + n % 4], (ARRAY['draft', 'scheduled', 'active', 'completed'])[1 + n % 4],
            ARRAY['email', 'push'], 1, 'seg_all_customers', 'All customers', '{"subject": "Hello", "body": "Twenty-five percent off today only."}', 0,
            now() - n * interval '1 minute', now() + n * interval '1 minute', 1, '[]', now(), now(), 1
       FROM generate_series(1, $2::int) n`,
    [tenantId, CAMPAIGNS],
  );
  await sql.query(`INSERT INTO mailing_counters (tenant_id, campaign_no, sent, opened, clicked, converted) SELECT tenant_id, campaign_no, 5420, 2180, 845, 156 FROM campaigns WHERE tenant_id = $1 AND campaign_no % 10 = 0`, [tenantId]);
  await sql.query('VACUUM ANALYZE campaigns, mailing_counters');
}

const rows = async ({ url, headers }: Load): Promise<unknown> => ((await (await fetch(url, { headers })).json()) as { data: unknown }).data;

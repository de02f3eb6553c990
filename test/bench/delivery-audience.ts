import { type Env, Secrets } from '#config';
import { Suppressions } from '#customers';
import type { Bench, Figure } from './bench.js';
import { atMost, median, reported, timed } from './figures.js';
import { draft, request, segmentOf, start, until } from './mailings.js';
import { mostMemory } from './memory.js';
import { CUSTOMERS, seedCustomers } from './segment-data.js';

const ROUNDS = 3;
const PEOPLE = CUSTOMERS.toLocaleString('en');

/** What one would write by hand: all rows at once, by nobody's leave and without a way back. */
const BARE = `
  INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at)
  SELECT tenant_id, $2, customer_no, 'email', now() FROM segment_members WHERE tenant_id = $1 AND segment_no = (SELECT segment_no FROM segments WHERE tenant_id = $1 AND segment_id = $3)`;

/** A campaign to a million: looking ahead to it, and its snapshot. */
export async function* deliveryAudience(bench: Bench): AsyncGenerator<Figure> {
  await seedCustomers(bench);
  const everybody = await segmentOf(bench, 'everybody');
  yield* preflights(bench, everybody);
  const worker = await bench.startWorker();
  try {
    yield* snapshots(bench, everybody);
  } finally {
    await worker.stop();
  }
}

/** The audience, from its start until the ledger has everybody, against the bare INSERT … SELECT of the same rows into the same table. */
async function* snapshots(bench: Bench, segmentId: string): AsyncGenerator<Figure> {
  const { sql, tenantId } = bench;
  const rounds: { bare: number; ours: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    await sql.query('TRUNCATE deliveries');
    const bare = await timed(() => sql.query(BARE, [tenantId, 1_000_000 + round, segmentId]));
    await sql.query('TRUNCATE deliveries');
    const id = await draft(bench, segmentId);
    const ours = await timed(async () => {
      await start(bench, id);
      await request(bench, 'POST', `/campaigns/${id}/pause`); // nobody is written to meanwhile
      await until(bench, id, 'snapshot_done');
    });
    if (round > 0) rounds.push({ bare, ours });
    await sql.query(`UPDATE mailings SET state = 'finished' WHERE campaign_id = $1`, [id]);
    await sql.query('UPDATE campaign_directory SET sending = false WHERE campaign_id = $1', [id]);
  }
  await sql.query('TRUNCATE deliveries');
  const seconds = (times: number[]): string => times.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ');
  yield atMost(`snapshot of ${PEOPLE}, from the start ÷ the bare INSERT … SELECT`, rounds.map(({ ours, bare }) => ours / bare), 3, 'x');
  yield reported('… ours; bare', `${seconds(rounds.map(({ ours }) => ours))}; ${seconds(rounds.map(({ bare }) => bare))}`);
}

/** The same counts by hand, for somebody who knows beforehand that nobody is suppressed or was written to. */
const COUNTED = `
  SELECT consent_email = 'unsubscribed' AS refuses, email IS NULL AS without, count(*), count(DISTINCT email) FROM segment_members m JOIN customers c USING (tenant_id, customer_no)
   WHERE tenant_id = $1 AND segment_no = (SELECT segment_no FROM segments WHERE tenant_id = $1 AND segment_id = $2) GROUP BY 1, 2`;

/** Looking ahead to a campaign for everybody, with few and with many addresses that nothing may go to. */
async function* preflights(bench: Bench, segmentId: string): AsyncGenerator<Figure> {
  const { sql, tenantId } = bench;
  const id = await draft(bench, segmentId);
  const before = mostMemory(bench.api.pid);
  const byHand = await median3(() => timed(() => sql.query(COUNTED, [tenantId, segmentId])));
  for (const suppressed of [0, 1_000, 200_000, 500_000]) {
    await suppress(bench, suppressed);
    const took = await median3(() => timed(() => request(bench, 'POST', `/campaigns/${id}/preflight`)));
    yield atMost(`preflight of ${PEOPLE}, ${suppressed} addresses suppressed (the audience counted by hand: ${(byHand / 1000).toFixed(1)} s)`, [took / 1000], 5, 's');
  }
  await sql.query('DELETE FROM suppressions WHERE tenant_id = $1', [tenantId]);
  const after = mostMemory(bench.api.pid);
  if (before !== null && after !== null) yield atMost('what they add to the most memory of the api', [after - before], 200, 'MB');
}

/** As many addresses as told and no others: each second one is a customer's, the rest are those of people who are customers no more. */
async function suppress({ sql, tenantId, secretsKey }: Bench, count: number): Promise<void> {
  const suppressions = new Suppressions(new Secrets({ SECRETS_KEY: secretsKey } as Env));
  const addresses = Array.from({ length: count }, (_, n) => (n % 2 === 0 ? `guest${1 + n}@example.com` : `gone${n}@example.com`));
  await sql.query('DELETE FROM suppressions WHERE tenant_id = $1', [tenantId]);
  await sql.query(`INSERT INTO suppressions (tenant_id, channel, address_hash, reason, created_at) SELECT $1, 'email', hash, 'hard_bounce', now() FROM unnest($2::bytea[]) AS hash`, [tenantId, addresses.map((address) => suppressions.hash('email', address))]);
  await sql.query('VACUUM ANALYZE suppressions');
}

async function median3(measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) times.push(await measure());
  return median(times);
}

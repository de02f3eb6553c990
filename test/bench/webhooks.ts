import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figure } from './bench.js';
import type { Child } from './child.js';
import { load } from './duel.js';
import { atLeast, atMost, median, reported } from './figures.js';
import { draft, request, segmentOf, start, until } from './mailings.js';
import { mostMemory } from './memory.js';
import { processorTime } from './processor.js';
import { seedCustomers } from './segment-data.js';
import { WebhookLoad } from './webhook-load.js';
import { BARE_TABLE, SECRET } from './webhook-baseline.js';

const RECIPIENTS = 20_000;
const CONNECTIONS = [32, 128];
const ROUNDS = 5;
/** V8 compiles what is hot for longer than a round: a server that has just started would be measured for its start. */
const WARM_UP_SECONDS = 10;
const ROUND_SECONDS = 4;

/** Ours; its route without a database, and with an INSERT of its own for each post; and bare Fastify with such an INSERT. */
const SIDES = ['echo', 'each', 'bare', 'ours'] as const;
type Side = (typeof SIDES)[number];

interface Server {
  url: string;
  child: Child;
}

interface Round {
  rate: number;
  p99: number;
  /** Milliseconds of the server's processor time a request. */
  busy: number | null;
}

/** Signed events of 1 KB, each in a post of its own: kept before they are answered, against the same route that keeps nothing or commits each, and a bare one that commits each; then processed. */
export async function* webhooks(bench: Bench): AsyncGenerator<Figure> {
  const { sql, api, bare, tenantId } = bench;
  const events = new WebhookLoad({ tenantId, campaignNo: await sentCampaign(bench) }, RECIPIENTS);
  await sql.query(BARE_TABLE);
  const { id } = await request<{ id: string }>(bench, 'PUT', '/webhooks/sendgrid/connection', { secret: SECRET });
  const route = `/api/v1/marketing/webhooks/sendgrid?connection=${id}`;
  const likeOurs = (more: Record<string, string>): Promise<Child> => bench.startChild('test/bench/webhook-echo.js', '/health/ready', { ...bench.env, TENANT_ID: String(tenantId), ...more });
  const [echo, each] = [await likeOurs({}), await likeOurs({ COMMIT_EACH: '1' })];
  const at = (child: Child, path: string): Server => ({ url: child.url + path, child });
  const servers: Record<Side, Server> = { ours: at(api, route), echo: at(echo, route), each: at(each, route), bare: at(bare, '/webhooks') };
  const rates: number[] = [];
  try {
    for (const connections of CONNECTIONS) {
      const rounds = await duel(servers, events, connections);
      rates.push(median(rounds.map(({ ours }) => ours.rate)));
      yield* verdict(connections, rounds);
    }
  } finally {
    await Promise.all([echo.stop(), each.stop()]);
  }
  const [least, most] = [mostMemory(api.pid), await kept(servers, events)];
  if (least !== null && most !== null) yield atMost(`most memory of the api, ever, after as many events again ÷ before (${least.toFixed(0)} MB)`, [most / least], 1.2, 'x');
  yield* processing(bench, Math.max(...rates));
}

async function duel(servers: Record<Side, Server>, events: WebhookLoad, connections: number): Promise<Record<Side, Round>[]> {
  const rounds: Record<Side, Round>[] = [];
  const rates: Partial<Record<Side, number>> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    const taken = {} as Record<Side, Round>;
    for (const side of SIDES) {
      const { url, child } = servers[side];
      events.prepare((rates[side] ?? 1000) * ROUND_SECONDS);
      const before = processorTime(child.pid);
      const { requests, latency } = await load({ url, method: 'POST' }, { connections, duration: round === 0 ? WARM_UP_SECONDS : ROUND_SECONDS, requests: events.requests });
      const after = processorTime(child.pid);
      rates[side] = requests.average;
      taken[side] = { rate: requests.average, p99: latency.p99, busy: before === null || after === null ? null : (after - before) / requests.total };
    }
    if (round > 0) rounds.push(taken);
  }
  return rounds;
}

function* verdict(connections: number, rounds: Record<Side, Round>[]): Generator<Figure> {
  const all = (side: Side, of: keyof Round): string => median(rounds.map((round) => round[side][of] ?? NaN)).toFixed(of === 'busy' ? 3 : 0);
  const title = `webhooks over ${connections} connections`;
  yield atLeast(`${title}: requests per second, ours ÷ the same route without a database`, rounds.map(({ ours, echo }) => ours.rate / echo.rate), 0.6, 'x');
  yield atLeast(`${title}: …, ours ÷ the same route with one autocommit INSERT`, rounds.map(({ ours, each }) => ours.rate / each.rate), 2, 'x');
  yield reported(`${title}: …, the route without a database ÷ with one autocommit INSERT`, `${median(rounds.map(({ echo, each }) => echo.rate / each.rate)).toFixed(2)} x`);
  yield atLeast(`${title}: …, ours ÷ bare Fastify with one autocommit INSERT`, rounds.map(({ ours, bare }) => ours.rate / bare.rate), 2, 'x');
  const each = (of: keyof Round): string => (['ours', 'echo', 'each', 'bare'] as const).map((side) => all(side, of)).join(', ');
  yield reported(`${title}: a second: ours, without a database, with its INSERT, bare`, each('rate'));
  yield reported(`${title}: p99, likewise`, `${each('p99')} ms`);
  yield reported(`${title}: the server’s processor time a request, likewise`, `${each('busy')} ms`);
}

/** As many events again. @returns the most memory of the api then */
async function kept({ ours }: Record<Side, Server>, events: WebhookLoad): Promise<number | null> {
  await load({ url: ours.url, method: 'POST' }, { connections: CONNECTIONS.at(-1)!, duration: ROUNDS * ROUND_SECONDS * CONNECTIONS.length, requests: events.requests });
  return mostMemory(ours.child.pid);
}

/** What has come meanwhile, by one worker that was not there: from the first that it counts to the last. */
async function* processing(bench: Bench, intake: number): AsyncGenerator<Figure> {
  const { sql, tenantId } = bench;
  const worker = await bench.startWorker();
  try {
    for (let pending = true; pending; await sleep(200)) pending = (await sql.query(`SELECT FROM webhook_events WHERE status = 'pending' LIMIT 1`)).rowCount! > 0;
    const { rows: [done] } = await sql.query<{ events: number; seconds: number; wrong: number; opened: number }>(
      `SELECT count(*)::int AS events, extract(epoch FROM max(processed_at) - min(processed_at))::float8 AS seconds, (count(*) FILTER (WHERE status <> 'processed'))::int AS wrong,
              (SELECT sum(opened)::int FROM mailing_counters WHERE tenant_id = $1) AS opened FROM webhook_events WHERE tenant_id = $1`, [tenantId]);
    const { events, seconds, wrong, opened } = done!;
    if (wrong > 0 || opened !== Math.min(events, RECIPIENTS)) throw new Error(`of ${events} events ${wrong} were not processed, and ${opened} recipients have opened`);
    yield atLeast(`events a second from stored to counted, one worker, ÷ the most that came a second`, [events / seconds / intake], 1, 'x');
    yield reported(`… of ${events} events`, `${(events / seconds).toFixed(0)}/s`);
    const memory = mostMemory(worker.pid);
    if (memory !== null) yield atMost('… most memory of the worker', [memory], 300, 'MB');
  } finally {
    await worker.stop();
  }
}

/** A campaign that has been sent to the customers 1 to RECIPIENTS. @returns its number */
async function sentCampaign(bench: Bench): Promise<number> {
  const { sql, tenantId } = bench;
  await seedCustomers(bench, RECIPIENTS);
  await sql.query(`UPDATE customers SET consent_email = 'subscribed' WHERE tenant_id = $1 AND customer_no <= $2`, [tenantId, RECIPIENTS]);
  const worker = await bench.startWorker();
  const id = await draft(bench, await segmentOf(bench, RECIPIENTS));
  await start(bench, id);
  await request(bench, 'POST', `/campaigns/${id}/pause`); // nobody is written to: only the ledger is wanted
  await until(bench, id, 'snapshot_done').finally(() => worker.stop());
  await sql.query(`UPDATE deliveries SET status = 'accepted', accepted_at = now(), provider = 'sendgrid', attempts = 1 WHERE tenant_id = $1`, [tenantId]);
  const { rows } = await sql.query<{ campaign_no: number }>(`UPDATE mailings SET state = 'finished' WHERE tenant_id = $1 AND campaign_id = $2 RETURNING campaign_no`, [tenantId, id]);
  await sql.query('VACUUM ANALYZE deliveries');
  return rows[0]!.campaign_no;
}

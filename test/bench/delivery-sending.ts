import { setTimeout as sleep } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import type { Bench, Figure } from './bench.js';
import type { Child } from './child.js';
import { atLeast, atMost, reported } from './figures.js';
import { draft, segmentOf, start, until } from './mailings.js';
import { mostMemory } from './memory.js';
import type { Letter } from './nodemailer-sender.js';
import { CUSTOMERS, seedCustomers } from './segment-data.js';

const ROUNDS = 3;
const ROUND = Math.min(20_000, CUSTOMERS / 50);
const FEW = ROUND / 2;
const MANY = ROUND * 10;
/** As many as our own sender has. */
const CONNECTIONS = 10;

interface Taken {
  messages: number;
  bytes: number;
  first: number;
  last: number;
}

/** Emails from one worker to a sink on the same machine, and what they take of its memory. */
export async function* deliverySending(bench: Bench): AsyncGenerator<Figure> {
  await seedCustomers(bench, MANY * 2);
  const sink = await bench.startChild('test/bench/smtp-sink.js', '/', { SMTP_PORT: String(bench.smtpPort) });
  const follower = await bench.startWorker();
  await followed(bench).finally(() => follower.stop()); // whose memory is to be measured has done nothing else
  const worker = await bench.startWorker();
  try {
    yield* sending(bench, sink, worker);
  } finally {
    await worker.stop();
    await sink.stop();
  }
}

async function* sending(bench: Bench, sink: Child, worker: Child): AsyncGenerator<Figure> {
  const [few, some, many] = [await segmentOf(bench, FEW), await segmentOf(bench, ROUND), await segmentOf(bench, MANY)];
  await sent(bench, sink, few, FEW);
  const atFew = mostMemory(worker.pid);
  const letter = await letterLike(await (await fetch(`${sink.url}/sample`)).text());
  const nodemailer = await bench.startChild('test/bench/nodemailer-sender.js', '/', { SMTP_URL: `smtp://127.0.0.1:${bench.smtpPort}` });
  const rounds: { ours: number; theirs: number }[] = [];
  let sizes = '';
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await composed(sink, nodemailer, { ...letter, count: ROUND });
    const ours = await sent(bench, sink, some, ROUND);
    sizes = `${Math.round(ours.bytes / ours.messages)}, ${Math.round(theirs.bytes / theirs.messages)} bytes`;
    rounds.push({ ours: rate(ours), theirs: rate(theirs) });
  }
  await nodemailer.stop();
  yield atLeast(`emails of a campaign of ${ROUND}, one worker ÷ nodemailer composing each`, rounds.map(({ ours, theirs }) => ours / theirs), 2.5, 'x');
  yield atLeast('… emails a second', rounds.map(({ ours }) => ours), 2_500, '/s');
  yield reported('… nodemailer', rounds.map(({ theirs }) => `${theirs.toFixed(0)}/s`).join(', '));
  yield reported('… an email, ours and nodemailer’s', sizes);
  yield reported(`… of a campaign of ${MANY}`, `${rate(await sent(bench, sink, many, MANY)).toFixed(0)}/s`);
  const atMany = mostMemory(worker.pid);
  if (atFew === null || atMany === null) return;
  yield atMost(`most memory of the worker, after ${MANY} and more (after ${FEW}: ${atFew.toFixed(0)} MB)`, [atMany], 300, 'MB');
}

/** Messages a second, from the first to the last. */
const rate = ({ messages, first, last }: Taken): number => (messages - 1) / ((last - first) / 1000);

const ask = async (sink: Child, path: string): Promise<Taken> => (await fetch(sink.url + path)).json() as Promise<Taken>;

/** @throws when not everybody was sent to, once */
async function sent(bench: Bench, sink: Child, segmentId: string, size: number): Promise<Taken> {
  await ask(sink, '/forget');
  const id = await draft(bench, segmentId);
  await start(bench, id);
  await until(bench, id, `state = 'finished'`, 50);
  const taken = await ask(sink, '/');
  const { rows: [ledger] } = await bench.sql.query<{ accepted: number }>(`SELECT count(*)::int AS accepted FROM deliveries JOIN mailings USING (tenant_id, campaign_no) WHERE campaign_id = $1 AND status = 'accepted'`, [id]);
  if (taken.messages !== size || ledger!.accepted !== size) throw new Error(`of ${size} messages the server took ${taken.messages}, and the ledger has ${ledger!.accepted}`);
  return taken;
}

async function composed(sink: Child, nodemailer: Child, letter: Letter): Promise<Taken> {
  await ask(sink, '/forget');
  const response = await fetch(nodemailer.url, { method: 'POST', body: JSON.stringify(letter) });
  if (!response.ok) throw new Error(await response.text());
  return ask(sink, '/');
}

/** What we sent, as one would tell nodemailer to; every message has something of its own. */
async function letterLike(source: string): Promise<Letter> {
  const { subject, html, text, headerLines } = await simpleParser(source);
  const unsubscribe = headerLines.find(({ key }) => key === 'list-unsubscribe')!.line.replace(/^[^:]*: */, '');
  return {
    count: 0, connections: CONNECTIONS, from: 'hello@trattoria.example', subject: subject!, html: (html as string).replace('Hello Ada', 'Hello {{to}}'), text: text!.replace('Hello Ada', 'Hello {{to}}'),
    headers: { 'List-Unsubscribe': unsubscribe, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  };
}

/** The customers came by SQL: has the segments take note of them before anything is measured. */
async function followed({ sql, tenantId }: Bench): Promise<void> {
  await sql.query(`INSERT INTO changed_customers (tenant_id, customer_no) SELECT tenant_id, customer_no FROM customers WHERE tenant_id = $1 AND consent_email = 'subscribed' ORDER BY customer_no LIMIT $2`, [tenantId, MANY]);
  for (let waiting = true; waiting; await sleep(200)) waiting = (await sql.query('SELECT FROM changed_customers LIMIT 1')).rowCount! > 0;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { WorkerModule } from '#app/worker/src/worker.module';
import { loadEnv } from '#config';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { Figure } from '#test/bench/bench';
import { startSmtp } from '#test/support/smtp';
import type { Account } from './account.js';
import { patiently } from './patience.js';
import type { OpenScene, Scene } from './scene.js';
import { exactly } from './verdicts.js';

/**
 * Nights on which clocks change, with a time of day that is shown twice or not at all, and the one instant that is right by hand: the first
 * at which the clock shows it, or where it is skipped the first after.
 */
const NIGHTS = [
  { zone: 'America/New_York', wallClock: '2027-03-14T02:30', at: '2027-03-14T07:00Z' }, // 02:00 EST is 03:00 EDT
  { zone: 'Europe/Zurich', wallClock: '2027-03-28T02:30', at: '2027-03-28T01:00Z' }, // 02:00 CET is 03:00 CEST
  { zone: 'Australia/Lord_Howe', wallClock: '2027-04-04T01:45', at: '2027-04-03T14:45Z' }, // 02:00 at +11 is 01:30 at +10:30
  { zone: 'Australia/Lord_Howe', wallClock: '2027-10-03T02:15', at: '2027-10-02T15:30Z' }, // 02:00 at +10:30 is 02:30 at +11
  { zone: 'Europe/Zurich', wallClock: '2027-10-31T02:30', at: '2027-10-31T00:30Z' }, // 03:00 CEST is 02:00 CET
  { zone: 'America/New_York', wallClock: '2027-11-07T01:30', at: '2027-11-07T05:30Z' }, // 02:00 EDT is 01:00 EST
] as const;

const ZONES = ['Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe', 'UTC'] as const;
/** Of each zone. */
const RECIPIENTS = 10;
const MINUTE = 60_000;
/** Longer than the sender takes between two looks. */
const ROUND_MS = 1_300;

/** Stands still until it is put somewhere else. */
class HandClock extends Clock {
  private at = new Date();
  now(): Date {
    return this.at;
  }
  put(ms: number): void {
    this.at = new Date(ms);
  }
}

type Night = (typeof NIGHTS)[number];

/** Campaigns at the recipients' own clocks, and behind quiet hours, across the nights on which those clocks change. The worker runs in this process: its clock is ours. */
export async function* dstNights(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  const clock = new HandClock();
  const came = new Map<string, number[]>();
  smtp.beforeReply = (address) => void came.set(address, [...(came.get(address) ?? []), clock.now().getTime()]);
  const scene = await open({ SMTP_URL: smtp.url });
  const worker = await NestFactory.createApplicationContext(WorkerModule.forRoot(loadEnv({ ...scene.env, DATABASE_URL: scene.databaseUrl }), clock), { logger: false });
  try {
    const [local, quiet] = [await guests(scene, 'local'), await guests(scene, 'quiet')];
    let [right, wrong, twice, never] = [0, 0, 0, 0];
    for (const night of NIGHTS) {
      came.clear();
      await localStart(local, night, worker.get(Jobs), clock, scene);
      const due = new Map<string, number>(ZONES.flatMap((zone, z) => addresses(local, z).map((address) => [address, zone === night.zone ? Date.parse(night.at) : firstShown(night.wallClock, zone)] as const)));
      const z = ZONES.indexOf(night.zone);
      for (const address of addresses(quiet, z)) due.set(address, Date.parse(night.at));
      let begun = false;
      for (const instant of [...new Set(due.values())].sort((a, b) => a - b)) {
        clock.put(instant - MINUTE);
        if (instant === Date.parse(night.at) && !begun) {
          begun = true;
          await behindQuietHours(quiet, night, z); // it waits until they end
        }
        await sleep(ROUND_MS);
        clock.put(instant);
        const wanted = [...due].filter(([, at]) => at <= instant).map(([address]) => address);
        await patiently('they come', 15, () => wanted.every((address) => came.has(address))).catch(() => undefined);
      }
      await sleep(ROUND_MS);
      clock.put(Math.max(...due.values()) + 3 * 60 * MINUTE); // the hour that comes twice has been twice
      await sleep(ROUND_MS);
      for (const [address, at] of due) {
        const instants = came.get(address) ?? [];
        if (instants.length > 1) twice += 1;
        if (instants.length === 0) never += 1;
        else if (instants[0] === at) right += 1;
        else wrong += 1;
      }
    }
    yield exactly(`dst-nights: of six nights in three zones, messages at the right instant`, right, NIGHTS.length * (ZONES.length + 1) * RECIPIENTS);
    yield exactly('dst-nights: at another', wrong, 0);
    yield exactly('dst-nights: never', never, 0);
    yield exactly('dst-nights: twice', twice, 0);
  } finally {
    await worker.close();
    await smtp.close();
  }
}

async function guests(scene: Scene, name: string): Promise<Account> {
  const account = await scene.account(name);
  await account.crowd(ZONES.length * RECIPIENTS);
  for (const [z, zone] of ZONES.entries()) {
    await scene.sql.query('UPDATE customers SET timezone = $2 WHERE tenant_id = $1 AND customer_no > $3 AND customer_no <= $4', [account.id, zone, z * RECIPIENTS, (z + 1) * RECIPIENTS]);
  }
  return account;
}

const addresses = (account: Account, zone: number): string[] => Array.from({ length: RECIPIENTS }, (_, n) => account.email(zone * RECIPIENTS + n + 1));

/** Books it, and does what the queue would do when the first zone on earth has that time. The tenant's own zone is UTC. */
async function localStart(account: Account, { wallClock }: Night, jobs: Jobs, clock: HandClock, { sql }: Scene): Promise<void> {
  const id = await account.draft({ schedule: { start_date: `${wallClock}:00Z`, local_time: true } });
  const { rows } = await sql.query<{ data: { tenant: Tenant; data: { due: string } } }>(`SELECT data FROM pgboss.job WHERE name = 'campaign-start' AND data->'data'->>'campaign_id' = $1`, [id]);
  const { tenant, data } = rows[0]!.data;
  clock.put(Date.parse(data.due));
  await jobs.handlers.get('campaign-start')!.handler(tenant, data, new AbortController().signal, { id: '', at: clock.now() });
}

/** Nobody's emails come before that time of day. */
async function behindQuietHours(account: Account, { wallClock }: Night, zone: number): Promise<void> {
  await account.request('PATCH', '/settings', { quiet_hours: { email: { from: '12:00', to: wallClock.slice(11) } } });
  const id = await account.campaign({ segment_id: await account.segment(`customer_no > ${zone * RECIPIENTS} AND customer_no <= ${(zone + 1) * RECIPIENTS}`) });
  await patiently('they wait', 30, async () => {
    const rows = await account.ledger(id);
    return rows.length === RECIPIENTS && rows.every(({ reason }) => reason === 'quiet_hours');
  });
}

/** Minute by minute. */
function firstShown(wallClock: string, zone: string): number {
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  let at = Date.parse(`${wallClock}Z`) - 15 * 60 * MINUTE;
  while (shown.format(at).replace(' ', 'T') < wallClock) at += MINUTE;
  return at;
}

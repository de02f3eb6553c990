import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV, startMailer } from './support/mailings.js';
import { startSendGrid, type TestSendGrid } from './support/sendgrid.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

/** The most of the instants, in milliseconds, that lie within any one second. */
function mostWithinASecond(instants: readonly number[]): number {
  let [most, first] = [0, 0];
  for (let last = 0; last < instants.length; last++) {
    while (instants[last]! - instants[first]! >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe('a tenant’s pace over a provider', () => {
  const RATE = 40;
  let smtp: TestSmtp;
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    ({ app, smtp } = await startMailer({ SMTP_MAX_PER_SECOND: String(RATE) }));
    other = await startApp({ worker: true, env: { SMTP_URL: smtp.url, SMTP_MAX_PER_SECOND: String(RATE), ...SENDER_ENV } });
  });
  afterAll(async () => {
    await other.close();
    await app.close();
    await smtp.close();
  });

  test('is what the operator says, over all workers together, and each tenant’s own', async () => {
    const tenants = await Promise.all([1, 2].map(async () => {
      const mailings = await Mailings.of(app, newTenant());
      return { mailings, customers: await mailings.crowd(RATE * 4) };
    }));
    const started = await Promise.all(tenants.map(({ mailings, customers }) => mailings.start(CONTENT, customers)));
    const grants = new Map<number, Map<number, number>>(tenants.map(({ mailings }) => [mailings.tenant.id, new Map()]));
    await eventually(async () => { // what was granted stays written for a second
      const rows = await app.sql<{ tenant_id: number; grants: [number, number][] }>('SELECT tenant_id, grants FROM channel_rates');
      for (const row of rows) for (const [at, messages] of row.grants) grants.get(row.tenant_id)!.set(at, messages);
      for (const [index, { mailings }] of tenants.entries()) expect(await mailings.state(started[index]!)).toBe('finished');
    }, { within: 20_000 });
    for (const granted of grants.values()) {
      const instants = [...granted].sort(([a], [b]) => a - b).flatMap(([at, messages]) => Array<number>(messages).fill(at));
      expect(mostWithinASecond(instants)).toBe(RATE);
      expect(instants.length).toBeGreaterThanOrEqual(RATE * 4); // a call that did not come through takes its room, too
    }
    expect(smtp.recipients).toHaveLength(RATE * 8);
    const [first, second] = [...grants.values()].map((granted) => [...granted.keys()]) as [number[], number[]];
    expect(Math.min(...second)).toBeLessThan(Math.max(...first)); // side by side
  });
});

test('a pause ends a batch that a slow server is in the middle of, and everybody gets it once when it goes on', async () => {
  const { app, smtp } = await startMailer();
  try {
    const arrivals: number[] = [];
    smtp.beforeReply = async () => {
      arrivals.push(performance.now());
      await sleep(300);
    };
    const mailings = await Mailings.of(app);
    const mailing = await mailings.start(CONTENT, await mailings.crowd(90));
    await eventually(() => expect(arrivals.length).toBeGreaterThan(0));
    await mailings.inTenant((tx) => mailings.delivery.pause(tx, mailings.tenant, mailing.campaignNo));
    const paused = performance.now();
    const sent = await mailings.quiet(mailing);
    expect(arrivals.filter((at) => at > paused + 1_000)).toEqual([]);
    expect([sent, sent < 90]).toEqual([arrivals.length, true]);
    await mailings.inTenant((tx) => mailings.delivery.resume(tx, mailings.tenant, mailing.campaignNo));
    await mailings.finished(mailing);
    expect([new Set(smtp.recipients).size, smtp.recipients.length]).toEqual([90, 90]);
  } finally {
    await app.close();
    await smtp.close();
  }
});

describe('a provider that does not answer as it should', () => {
  let sendgrid: TestSendGrid;
  let app: TestApp;
  let dead: Mailings;
  let alive: Mailings;
  /** Calls of the tenant whose provider is dead. */
  let calls: number[];
  beforeAll(async () => {
    sendgrid = await startSendGrid();
    app = await startApp({ worker: true, env: { SENDGRID_API_KEY: 'SG.the-deployments-own', SENDGRID_API_URL: sendgrid.url, ...SENDER_ENV } });
  });
  afterAll(async () => {
    await sendgrid.close();
    await app.close();
  });
  beforeEach(async () => {
    calls = [];
    [dead, alive] = [await Mailings.of(app, newTenant()), await Mailings.of(app, newTenant())];
    await app.api(['tenant_admin'], dead.tenant.name).PUT('/api/v1/marketing/channels/sendgrid', { body: { api_key: `SG.of-${dead.tenant.name}` } });
  });
  const react = (reaction: Awaited<ReturnType<TestSendGrid['react']>>): void => {
    const [key, told] = [`SG.of-${dead.tenant.name}`, calls];
    const before = sendgrid.react;
    sendgrid.react = (body, used) => (used === key ? (told.push(body.personalizations.length), reaction) : before(body, used));
  };

  test('that hangs keeps no other tenant waiting', async () => {
    react('never answer');
    const hung = await dead.start(CONTENT, await dead.crowd(1_100));
    await eventually(() => expect(calls.length).toBeGreaterThan(0));
    const customers = await alive.crowd(200);
    await alive.send(CONTENT, customers); // waits ten seconds at most; the call that hangs takes thirty
    expect(calls).toHaveLength(1);
    expect((await dead.ledger(hung)).filter(({ status }) => status === 'calling')).toHaveLength(calls[0]!);
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
  });

  test('that says 503 and when to come back is not called before, and then with one message', async () => {
    react({ status: 503, headers: { 'retry-after': '60' } });
    const mailing = await dead.start(CONTENT, await dead.crowd(1_100));
    await eventually(async () => expect((await dead.ledger(mailing)).some(({ reason }) => reason === 'sendgrid_503')).toBe(true));
    await alive.send(CONTENT, await alive.crowd(10)); // several rounds of the sender
    expect(calls).toHaveLength(1);
    app.clock.advance(61_000);
    await eventually(() => expect(calls.length).toBeGreaterThan(1));
    expect(calls.slice(1)).toEqual([1]);
    await eventually(async () => { // and the worker knows, before the clock moves on
      const rows = await dead.ledger(mailing);
      expect(rows.filter(({ status }) => status !== 'pending')).toEqual([]);
      expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(calls[0]! + 1);
    });
    react('take');
    app.clock.advance(10 * 60_000);
    await eventually(async () => expect(await dead.state(mailing)).toBe('finished'), { within: 20_000 });
    expect(new Set(sendgrid.mails().map(({ deliveryId }) => deliveryId)).size).toBe(sendgrid.mails().length);
    expect(await dead.counters(mailing)).toMatchObject({ sent: 1_100 });
  });

  test('that cannot be reached is tried one message at a time, and everything goes once it is back', async () => {
    react('hang up');
    const mailing = await dead.start(CONTENT, await dead.crowd(50));
    await eventually(async () => expect((await dead.ledger(mailing)).filter(({ status }) => status === 'unknown')).toHaveLength(50));
    const later = await dead.start(CONTENT, await dead.crowd(300));
    await eventually(() => expect(calls.length).toBe(2));
    expect(calls[1]).toBe(1); // what hung up may have taken it: one is risked, not three hundred
    react('take');
    app.clock.advance(120_000);
    await dead.finished(later);
    expect((await dead.ledger(later)).map(({ status }) => status).filter((status) => status !== 'accepted')).toEqual(['unknown']);
  });
});

import type { Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

describe('whom a campaign does not write to now', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let other: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
    other = await startApp({ worker: true, env: { SMTP_URL: smtp.url, DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } }); // a second worker
  });
  afterAll(async () => {
    await other.close();
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    smtp.recipients.length = 0;
  });

  const settings = async (body: object) => expect((await app.api(['tenant_admin'], mailings.tenant.name).PATCH('/api/v1/marketing/settings', { body: body as never })).response.status).toBe(200);
  const numbers = async (): Promise<number[]> => (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 ORDER BY 1', [mailings.tenant.id])).map(({ no }) => no);
  /** The wall clock there, now. */
  const hourIn = (timeZone: string) => new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(app.clock.now());
  const plus = (time: string, hours: number) => `${String((Number(time.slice(0, 2)) + hours + 24) % 24).padStart(2, '0')}:${time.slice(3)}`;

  test('in quiet hours by their own clock they wait for the morning, and the ledger says so', async () => {
    const [here, there] = ['Asia/Kathmandu', 'America/New_York'];
    const now = hourIn(here);
    await settings({ timezone: here, quiet_hours: { email: { from: plus(now, -1), to: plus(now, 2) } } });
    await addCustomers(app, [{ id: 'asleep', email: 'asleep@example.com', timezone: here }, { id: 'awake', email: 'awake@example.com', timezone: there }, { id: 'unknown', email: 'unknown@example.com' }], mailings.tenant.name);
    const mailing = await mailings.start(CONTENT, await numbers());
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason])).toEqual([['pending', 'quiet_hours'], ['accepted', null], ['pending', 'quiet_hours']]));
    expect(smtp.recipients).toEqual(['awake@example.com']);
    for (const one of [app, other]) one.clock.advance(2 * 3_600_000 + 60_000);
    await mailings.finished(mailing);
    expect(smtp.recipients.sort()).toEqual(['asleep@example.com', 'awake@example.com', 'unknown@example.com']);
  });

  test('a campaign that ends before they wake up misses them', async () => {
    const now = hourIn('UTC');
    await settings({ quiet_hours: { email: { from: plus(now, -1), to: plus(now, 3) } } });
    await addCustomers(app, [{ id: 'asleep', email: 'asleep@example.com' }], mailings.tenant.name);
    const mailing = await mailings.start(CONTENT, await numbers(), { endsAt: new Date(app.clock.now().getTime() + 3_600_000) });
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ reason }) => reason)).toEqual(['quiet_hours']));
    for (const one of [app, other]) one.clock.advance(3_700_000);
    await mailings.finished(mailing);
    expect((await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason])).toEqual([['skipped', 'window_missed']]);
  });

  test('under a cap each gets as many as it says, however many campaigns and workers there are', async () => {
    await settings({ frequency_cap: { max: 2, per_days: 7 } });
    const customers = await mailings.crowd(120);
    const started = await Promise.all([1, 2, 3].map(() => mailings.start(CONTENT, customers)));
    await eventually(async () => { // whoever gave way to a message on its way looks again
      const rows = (await Promise.all(started.map((mailing) => mailings.ledger(mailing)))).flat();
      if (rows.some(({ status }) => status === 'claimed' || status === 'calling')) throw new Error('at work'); // an advance would end their leases
      for (const one of [app, other]) one.clock.advance(31_000);
      for (const mailing of started) expect(await mailings.state(mailing)).toBe('finished');
    }, { within: 20_000 });
    const got = Map.groupBy(smtp.recipients, (address) => address);
    expect([got.size, ...new Set([...got.values()].map((mails) => mails.length))]).toEqual([120, 2]);
    const outcomes = (await Promise.all(started.map((mailing) => mailings.ledger(mailing)))).flat().map(({ status, reason }) => reason ?? status);
    expect(outcomes.filter((one) => one === 'accepted')).toHaveLength(240);
    expect(outcomes.filter((one) => one === 'frequency_cap')).toHaveLength(120);
    const receipt = await mailings.send(CONTENT, customers.slice(0, 10), { type: 'transactional' });
    expect((await mailings.ledger(receipt)).map(({ status }) => status)).toEqual(Array(10).fill('accepted'));
  });

  test('where the cap leaves room for one, the more urgent campaign has it', async () => {
    await settings({ frequency_cap: { max: 1, per_days: 1 } });
    const customers = await mailings.crowd(50);
    const [low, high] = (await mailings.startTogether(CONTENT, [{ to: customers, priority: 1 }, { to: customers.slice(0, 30), priority: 5 }])) as [Mailing, Mailing];
    await mailings.finished(high);
    const told = async (mailing: Mailing) => Object.fromEntries([...Map.groupBy(await mailings.ledger(mailing), ({ status, reason }) => reason ?? status)].map(([what, all]) => [what, all.length]));
    expect(await told(high)).toEqual({ accepted: 30 });
    for (const one of [app, other]) one.clock.advance(61_000); // who gave way looks again
    await mailings.finished(low);
    expect(await told(low)).toEqual({ accepted: 20, frequency_cap: 30 });
  });
});

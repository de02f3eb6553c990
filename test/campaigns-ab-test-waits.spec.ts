import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const HOUR = 3_600_000;
const variants = ['a', 'b'].map((id) => ({ id, weight: 1, content: { subject: `Subject ${id}` } }));
const options = { variants, ab_test: { sample_percent: 50, metric: 'opened', wait_minutes: 60 } } as const;

interface State {
  sample_sent_at?: string;
  decides_at?: string;
  winner?: string;
}

describe('a test among everything else that waits', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => void (mailings = await Mailings.of(app, newTenant())));

  const state = async (campaignNo: number) => (await app.sql<{ ab_test: State }>('SELECT ab_test FROM mailings WHERE tenant_id = $1 AND campaign_no = $2', [mailings.tenant.id, campaignNo]))[0]!.ab_test;
  const rounds = async () => void (await mailings.send(CONTENT, await mailings.named('passer-by'), { type: 'transactional' }));

  test('begins to wait when the last of the sample was sent, though all of it was put off to the morning', async () => {
    const at = (hours: number) => new Date(app.clock.now().getTime() + hours * HOUR).toISOString().slice(11, 16);
    const mailing = await mailings.start(CONTENT, await mailings.crowd(40), { options: { ...options, send_window: { start: at(3), end: at(-1) } } });
    await eventually(async () => expect((await mailings.ledger(mailing)).some(({ reason }) => reason === 'send_window')).toBe(true));
    await rounds();
    expect(await state(mailing.campaignNo)).toEqual({});
    app.clock.advance(3 * HOUR);
    await eventually(async () => expect((await state(mailing.campaignNo)).sample_sent_at).toBeDefined());
    const { sample_sent_at, winner } = await state(mailing.campaignNo);
    const sent = (await mailings.ledger(mailing)).filter(({ status }) => status === 'accepted');
    for (const { accepted_at } of sent) expect(Date.parse(sample_sent_at!)).toBeGreaterThanOrEqual(Number(accepted_at));
    expect([sent.length > 5, winner]).toEqual([true, undefined]);
    app.clock.advance(HOUR);
    await mailings.finished(mailing);
  });

  test('goes before a less urgent campaign under a cap, which looks again when the winner is known', async () => {
    const people = await mailings.crowd(40);
    expect((await app.api(['tenant_admin'], mailings.tenant.name).PATCH('/api/v1/marketing/settings', { body: { frequency_cap: { max: 1, per_days: 7 } } })).response.status).toBe(200);
    const urgent = await mailings.start(CONTENT, people, { priority: 5, options: options });
    await eventually(async () => expect((await state(urgent.campaignNo)).decides_at).toBeDefined());
    const waiting = (await mailings.ledger(urgent)).filter(({ reason }) => reason === 'ab_test').map(({ customer_no }) => customer_no);
    const other = await mailings.start(CONTENT, people);
    await eventually(async () => {
      const rows = (await mailings.ledger(other)).filter(({ customer_no }) => waiting.includes(customer_no));
      expect(rows.map(({ reason }) => reason)).toEqual(waiting.map(() => 'others_first'));
    });
    const decides = Date.parse((await state(urgent.campaignNo)).decides_at!);
    for (const row of await mailings.ledger(other)) if (waiting.includes(row.customer_no)) expect(Number(row.next_attempt_at)).toBe(decides);
    app.clock.advance(HOUR);
    await mailings.finished(urgent);
    app.clock.advance(60_000);
    await mailings.finished(other);
    expect((await mailings.ledger(other)).map(({ reason }) => reason)).toEqual(people.map(() => 'frequency_cap'));
  });

  test('what waits for a more urgent campaign goes when that one stops, and waits for none that is days away', async () => {
    const settings = { frequency_cap: { max: 1, per_days: 1 } };
    expect((await app.api(['tenant_admin'], mailings.tenant.name).PATCH('/api/v1/marketing/settings', { body: settings })).response.status).toBe(200);
    const people = await mailings.crowd(10);
    const at = (hours: number) => new Date(app.clock.now().getTime() + hours * HOUR).toISOString().slice(11, 16);
    for (const stop of ['cancel', 'pause'] as const) {
      const urgent = await mailings.start(CONTENT, people, { priority: 5, options: { send_window: { start: at(8), end: at(9) } } });
      await eventually(async () => expect((await mailings.ledger(urgent)).map(({ reason }) => reason)).toEqual(people.map(() => 'send_window')));
      const other = await mailings.start(CONTENT, people);
      await eventually(async () => expect((await mailings.ledger(other)).map(({ reason }) => reason)).toEqual(people.map(() => 'others_first')));
      await mailings.inTenant((tx) => mailings.delivery[stop](tx, mailings.tenant, urgent.campaignNo));
      await mailings.finished(other);
      expect((await mailings.ledger(other)).map(({ status }) => status)).toEqual(people.map(() => 'accepted'));
      app.clock.advance(25 * HOUR); // the cap's day is over
    }
    const farOff = await mailings.start(CONTENT, people, { priority: 5, options: { ab_test: { sample_percent: 30, metric: 'clicked', wait_minutes: 10_080 }, variants: options.variants } });
    await eventually(async () => expect((await state(farOff.campaignNo)).decides_at).toBeDefined());
    const waiting = new Set((await mailings.ledger(farOff)).filter(({ reason }) => reason === 'ab_test').map(({ customer_no }) => customer_no));
    const other = await mailings.start(CONTENT, people);
    await mailings.finished(other);
    for (const { customer_no, status, reason } of await mailings.ledger(other)) expect([status, reason]).toEqual(waiting.has(customer_no) ? ['accepted', null] : ['skipped', 'frequency_cap']);
  });
});

import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const MINUTE = 60_000;

const variants = ['a', 'b', 'c'].map((id) => ({ id, weight: 1, content: { subject: `Subject ${id}` } }));
const ab_test = { sample_percent: 50, metric: 'clicked', wait_minutes: 60 } as const;

interface Row {
  customer_no: number;
  status: string;
  reason: string | null;
  variant: string | null;
  attempts: number;
  place: string;
}

describe('an A/B test', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    smtp.recipients.length = 0;
  });

  const api = () => app.api(['marketing'], mailings.tenant.name);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const written = (over: object) => ({ name: 'Flash Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content: CONTENT, variants, ab_test, ...over }) as never;
  const campaign = async (id: string) => (await api().GET(ONE, one(id))).data!;
  const move = async (id: string, to: 'start' | 'pause' | 'resume' | 'cancel') => expect((await api().POST(`${ONE}/${to}` as `${typeof ONE}/start`, one(id))).response.status).toBe(200);

  async function start(people: number, over: object = {}): Promise<string> {
    const segment_id = await mailings.segmentId(await mailings.crowd(people));
    const { data, error } = await api().POST(PATH, { body: written({ segment_id, ...over }) });
    expect(error).toBeUndefined();
    await move(data!.id, 'start');
    return data!.id;
  }
  const ledger = (id: string) =>
    app.sql<Row>('SELECT d.*, d.ctid::text AS place FROM deliveries d JOIN mailings m USING (tenant_id, campaign_no) WHERE m.tenant_id = $1 AND m.campaign_id = $2 ORDER BY customer_no', [mailings.tenant.id, id]);
  const waiting = (rows: Row[]) => rows.filter(({ reason }) => reason === 'ab_test');
  const sampleSent = (id: string) => eventually(async () => expect((await campaign(id)).ab_test!.sample_sent_at).not.toBeNull());
  const completed = (id: string) => eventually(async () => expect((await campaign(id)).status).toBe('completed'));
  /** Customers of the sample who were sent the variant click, as many as said. */
  async function click(id: string, variant: string, many: number): Promise<void> {
    const [mailing] = await app.sql<{ campaign_no: number }>('SELECT campaign_no FROM mailings WHERE tenant_id = $1 AND campaign_id = $2', [mailings.tenant.id, id]);
    const got = (await ledger(id)).filter((row) => row.variant === variant).slice(0, many);
    expect(got).toHaveLength(many);
    for (const { customer_no } of got) expect(await mailings.receive({ campaignNo: mailing!.campaign_no } as never, customer_no, 'clicked')).toEqual(['matched']);
  }
  /** The sender has been round: another mailing came and went. */
  const rounds = async () => void (await mailings.send(CONTENT, await mailings.named('passer-by'), { type: 'transactional' }));

  test('the sample gets the variants, the rest waits untouched, and then gets the best', async () => {
    const id = await start(90);
    await sampleSent(id);
    const before = await ledger(id);
    const [rest, sample] = [waiting(before), before.filter(({ reason }) => reason !== 'ab_test')];
    expect(Math.abs(sample.length - 45)).toBeLessThan(24); // five standard deviations
    expect(new Set(sample.map(({ status, variant }) => `${status} ${variant}`))).toEqual(new Set(['accepted a', 'accepted b', 'accepted c']));
    expect(new Set(rest.map(({ status, variant, attempts }) => `${status} ${variant} ${attempts}`))).toEqual(new Set(['pending null 0']));
    await click(id, 'a', 1);
    await click(id, 'b', 4);
    app.clock.advance(59 * MINUTE);
    await rounds();
    expect(waiting(await ledger(id))).toEqual(rest); // nobody has so much as touched a row
    expect((await campaign(id)).ab_test).toMatchObject({ winner: null, decided_at: null });

    app.clock.advance(2 * MINUTE);
    await completed(id);
    const { ab_test: told } = await campaign(id);
    expect(told).toMatchObject({ ...ab_test, winner: 'b', reason: 'best' });
    expect(Date.parse(told!.decided_at!)).toBeGreaterThanOrEqual(Date.parse(told!.decides_at!));
    const after = await ledger(id);
    const numbers = new Set(rest.map(({ customer_no }) => customer_no));
    for (const row of after) expect(row).toMatchObject({ status: 'accepted', attempts: 1, reason: null, ...(numbers.has(row.customer_no) && { variant: 'b' }) });
    for (const [at, row] of before.entries()) if (row.variant !== null) expect(after[at]!.variant).toBe(row.variant);
    expect(smtp.recipients.filter((to) => to.startsWith('guest'))).toHaveLength(90);
    expect(new Set(smtp.recipients.filter((to) => to.startsWith('guest'))).size).toBe(90);
  });

  test('nobody clicked, or two were clicked as much: the first is sent, and said why', async () => {
    const [none, tie] = [await start(60), await start(60)];
    await Promise.all([sampleSent(none), sampleSent(tie)]);
    const many = async (variant: string) => (await ledger(tie)).filter((row) => row.variant === variant).length;
    await click(tie, 'b', await many('b'));
    await click(tie, 'c', await many('c'));
    app.clock.advance(61 * MINUTE);
    await Promise.all([completed(none), completed(tie)]);
    expect((await campaign(none)).ab_test).toMatchObject({ winner: 'a', reason: 'not_enough_data' });
    expect((await campaign(tie)).ab_test).toMatchObject({ winner: 'b', reason: 'tie' });
  });

  test('the wait goes on while the campaign is paused, and nothing is sent before it is resumed', async () => {
    const id = await start(60);
    await sampleSent(id);
    await click(id, 'c', 2);
    await move(id, 'pause');
    const sent = smtp.recipients.length;
    app.clock.advance(61 * MINUTE);
    await eventually(async () => expect((await campaign(id)).ab_test).toMatchObject({ winner: 'c', reason: 'best' }));
    await rounds();
    expect(smtp.recipients.filter((to) => to.startsWith('guest'))).toHaveLength(sent);
    await move(id, 'resume');
    await completed(id);
    expect(smtp.recipients.filter((to) => to.startsWith('guest'))).toHaveLength(60);
  });

  test('the end of the campaign ends the wait, and whoever waited has missed it', async () => {
    const at = (minutes: number) => new Date(app.clock.now().getTime() + minutes * MINUTE).toISOString();
    const id = await start(60, { schedule: { end_date: at(90) }, send_window: { start: at(45).slice(11, 16), end: at(-60).slice(11, 16) } });
    await eventually(async () => expect((await ledger(id)).some(({ reason }) => reason === 'send_window')).toBe(true));
    app.clock.advance(46 * MINUTE);
    await sampleSent(id);
    const rest = waiting(await ledger(id)).length;
    await click(id, 'b', 1);
    app.clock.advance(45 * MINUTE);
    expect(Date.parse((await campaign(id)).ab_test!.decides_at!)).toBeGreaterThan(app.clock.now().getTime());
    await completed(id);
    expect((await campaign(id)).ab_test).toMatchObject({ winner: 'b', reason: 'best' });
    expect((await ledger(id)).filter(({ status, reason }) => status === 'skipped' && reason === 'window_missed')).toHaveLength(rest);
  });

  test('canceled in the wait it has no winner, and the rest is skipped', async () => {
    const id = await start(60);
    await sampleSent(id);
    const rest = waiting(await ledger(id)).length;
    await move(id, 'cancel');
    await eventually(async () => expect((await ledger(id)).filter(({ status, reason }) => status === 'skipped' && reason === 'canceled')).toHaveLength(rest));
    expect((await campaign(id)).ab_test).toMatchObject({ winner: null, reason: null });
  });

  test('a control group is held out of the sample as of the rest; one where nobody waits is completed after its test', async () => {
    const id = await start(80, { holdout_percent: 30, ab_test: { ...ab_test, sample_percent: 90 } });
    await sampleSent(id);
    const early = (await ledger(id)).filter(({ reason }) => reason === 'holdout').length;
    app.clock.advance(61 * MINUTE);
    await completed(id);
    const rows = await ledger(id);
    expect(rows.filter(({ status }) => status === 'accepted').length + rows.filter(({ reason }) => reason === 'holdout').length).toBe(80);
    expect(early).toBeGreaterThan(5);
    const all = await start(1, { ab_test: { ...ab_test, sample_percent: 90 } });
    await sampleSent(all);
    app.clock.advance(61 * MINUTE);
    await completed(all);
    expect((await campaign(all)).ab_test!.winner).toBe('a');
  });

  test('what cannot be tested is refused, and pointed at', async () => {
    const faults = async (over: object) => ((await api().POST(PATH, { body: written(over) })).error as unknown as { errors: { pointer: string; code: string }[] }).errors.map(({ pointer, code }) => `${pointer} ${code}`);
    const now = app.clock.now().getTime(); // read twice it is a millisecond later, and the winner is known before the end
    const tomorrow = (minutes: number) => new Date(now + 1_440 * MINUTE + minutes * MINUTE).toISOString();
    expect(await faults({ variants: undefined })).toEqual(['/ab_test variants_missing']);
    expect(await faults({ delivery_mode: 'continuous' })).toEqual(['/ab_test not_continuous']);
    expect(await faults({ schedule: { start_date: tomorrow(0), local_time: true } })).toEqual(['/ab_test not_local_time']);
    expect(await faults({ schedule: { start_date: tomorrow(0), end_date: tomorrow(60) } })).toEqual(['/ab_test/wait_minutes after_end']);
    expect(await faults({ ab_test: { sample_percent: 0, metric: 'sent', wait_minutes: 0.5 } })).toEqual(expect.arrayContaining(['/ab_test/metric is_in', '/ab_test/wait_minutes is_int']));
    const { data } = await api().POST(PATH, { body: written({ schedule: { end_date: new Date(app.clock.now().getTime() + 30 * MINUTE).toISOString() } }) });
    expect((await api().POST(`${ONE}/start`, one(data!.id))).error).toMatchObject({ code: 'invalid_state' });
    const { error } = await api().POST(`${ONE}/schedule`, { ...one(data!.id), body: { start_date: tomorrow(0), end_date: tomorrow(60) } });
    expect(error).toMatchObject({ errors: [{ pointer: '/end_date', code: 'after_end' }] });
  });

  test('a preview tells who waits, and later what they get', async () => {
    const id = await start(40);
    await sampleSent(id);
    const [row] = waiting(await ledger(id));
    const [{ customer_id }] = (await app.sql<{ customer_id: string }>('SELECT customer_id FROM customers WHERE tenant_id = $1 AND customer_no = $2', [mailings.tenant.id, row!.customer_no])) as [{ customer_id: string }];
    const preview = async () => (await api().POST(`${ONE}/preview`, { ...one(id), body: { customer_id } })).data!;
    expect((await preview()).messages).toMatchObject([{ decision: 'defer', reason: 'ab_test' }]);
    await click(id, 'c', 1);
    app.clock.advance(61 * MINUTE);
    await completed(id);
    expect(await preview()).toMatchObject({ variant: 'c', messages: [{ decision: 'send', subject: 'Subject c' }] });
  });
});

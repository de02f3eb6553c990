import type { TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const SEGMENTS = '/api/v1/marketing/segments';
const HOUR = 3_600_000;

describe('continuous campaigns and those who are left out', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let tenant: string;
  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(() => {
    tenant = newTenant();
    smtp.recipients.length = 0;
  });

  const api = () => app.api(['marketing'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const act = async (id: string, action: 'start' | 'pause' | 'resume' | 'cancel') => expect((await api().POST(`${ONE}/${action}`, one(id))).response.status).toBe(200);
  const read = async (id: string) => (await api().GET(ONE, one(id))).data!;
  const add = (...ids: string[]) => addCustomers(app, ids.map((id) => ({ id, email: `${id}@example.com`, city: 'Rome' })), tenant);
  const ledger = async (id: string) => Object.fromEntries((await api().GET(`${ONE}/deliveries`, one(id))).data!.data.map((row) => [row.customer_id, row.reason ?? row.status]));
  const segment = async (body: object) => (await api().POST(SEGMENTS, { body: { name: 'Some', type: 'static', ...body } as never })).data!.id;
  const put = async (segment_id: string, ...customer_ids: string[]) => expect((await api().POST(`${SEGMENTS}/{segment_id}/members`, { params: { path: { segment_id } }, body: { customer_ids } })).response.status).toBe(200);
  const takeOut = (segment_id: string, customer_id: string) => api().DELETE(`${SEGMENTS}/{segment_id}/members/{customer_id}`, { params: { path: { segment_id, customer_id } } });
  /** Whether everything told of segments has been heard. */
  const heard = () => eventually(async () => expect(await app.sql(`SELECT 1 FROM pgboss.job WHERE name = 'segment.changed-to-delivery' AND state IN ('created', 'active', 'retry')`)).toEqual([]));

  async function create(over: object): Promise<string> {
    const { data, error } = await api().POST(PATH, { body: { name: 'Welcome', type: 'onboarding', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'Hi', body: 'Hi' }, ...over } });
    expect(error).toBeUndefined();
    return data!.id;
  }

  test('where nothing is continuous, nobody’s entering makes a job', async () => {
    const list = await segment({});
    await add('ada');
    await put(list, 'ada');
    expect(await app.sql(`SELECT 1 FROM pgboss.job WHERE name = 'segment.changed-to-delivery' AND data->'tenant'->>'name' = $1`, [tenant])).toEqual([]);
  });

  test('each who enters gets it, once however often; those who were in before do not', async () => {
    const list = await segment({});
    await add('before', 'ada', 'ben');
    await put(list, 'before');
    await heard();
    const id = await create({ delivery_mode: 'continuous', segment_id: list });
    await act(id, 'start');
    await put(list, 'ada');
    await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'accepted' }));
    await takeOut(list, 'ada');
    await put(list, 'ada', 'ben');
    await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'accepted', ben: 'accepted' }));
    await heard();
    const other = await create({ segment_id: await segment({}) });
    await act(other, 'start');
    await eventually(async () => expect((await read(other)).status).toBe('completed')); // ended by a later round than the one that might have ended the first
    expect(smtp.recipients.sort()).toEqual(['ada@example.com', 'ben@example.com']);
    expect(await read(id)).toMatchObject({ status: 'active', delivery_mode: 'continuous', metrics: { sent: 2 } }); // nobody is waiting, and it goes on
    await act(id, 'cancel');
    await add('late');
    await put(list, 'late');
    await heard();
    expect(await ledger(id)).toEqual({ ada: 'accepted', ben: 'accepted' });
  });

  test('a dynamic segment brings them as their data changes; its end completes the campaign', async () => {
    const romans = await segment({ type: 'dynamic', criteria: { city: 'Rome' } });
    const id = await create({ delivery_mode: 'continuous', segment_id: romans, schedule: { end_date: new Date(app.clock.now().getTime() + HOUR).toISOString() } });
    await act(id, 'start');
    await addCustomers(app, [{ id: 'cyd', email: 'cyd@example.com', city: 'Milan' }, { id: 'dan', email: 'dan@example.com', city: 'Rome' }], tenant);
    await eventually(async () => expect(await ledger(id)).toEqual({ dan: 'accepted' }), { within: 15_000 });
    await addCustomers(app, [{ id: 'cyd', city: 'Rome' }], tenant);
    await eventually(async () => expect(await ledger(id)).toEqual({ cyd: 'accepted', dan: 'accepted' }), { within: 15_000 });
    app.clock.advance(HOUR);
    await eventually(async () => expect(await read(id)).toMatchObject({ status: 'completed', canceled_at: null }));
    await add('eve');
    await eventually(async () => expect((await api().GET(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: romans } } })).data!.size).toBe(3), { within: 15_000 });
    await heard();
    expect(await ledger(id)).toEqual({ cyd: 'accepted', dan: 'accepted' });
  });

  test('who enters while it is paused gets it when it goes on; what is told twice counts once', async () => {
    const list = await segment({});
    const id = await create({ delivery_mode: 'continuous', segment_id: list });
    await act(id, 'start');
    await act(id, 'pause');
    await add('ada');
    await put(list, 'ada');
    await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'pending' }));
    await app.sql(`UPDATE pgboss.job SET state = 'created', start_after = now(), started_on = NULL, completed_on = NULL WHERE name = 'segment.changed-to-delivery' AND data->'tenant'->>'name' = $1`, [tenant]); // as after a kill -9 right before it was ticked off
    await heard();
    await act(id, 'resume');
    await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'accepted' }));
    expect(smtp.recipients).toEqual(['ada@example.com']);
  });

  test('who is in an excluded segment is left out, of a broadcast and of a continuous campaign', async () => {
    const [list, vips] = [await segment({}), await segment({ name: 'VIPs' })];
    await add('ada', 'ben', 'cyd');
    await put(vips, 'ben');
    const continuous = await create({ delivery_mode: 'continuous', segment_id: list, exclude_segment_ids: [vips] });
    await act(continuous, 'start');
    await put(list, 'ada', 'ben', 'cyd');
    const broadcast = await create({ segment_id: list, exclude_segment_ids: [vips, 'seg_loyalty_gold'] });
    await act(broadcast, 'start');
    for (const id of [broadcast, continuous]) await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'accepted', cyd: 'accepted' }));
    expect((await read(broadcast)).exclude_segment_ids).toEqual([vips, 'seg_loyalty_gold']);
    const deleted = await api().DELETE(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: vips } } });
    expect(deleted.error).toMatchObject({ code: expect.stringMatching(/in_use|invalid_state/), detail: expect.stringContaining(continuous) });
  });

  test('a draft whose excluded segment is gone may be changed in all else, and is not started before it names none', async () => {
    const [list, vips] = [await segment({}), await segment({ name: 'VIPs' })];
    const id = await create({ segment_id: list, exclude_segment_ids: [vips] });
    await api().DELETE(`${SEGMENTS}/{segment_id}`, { params: { path: { segment_id: vips } } });
    const renamed = await api().PATCH(ONE, { ...one(id), body: { name: 'Other' } });
    expect([renamed.response.status, renamed.data]).toMatchObject([200, { name: 'Other', exclude_segment_ids: [vips] }]);
    expect((await api().PATCH(ONE, { ...one(id), body: { exclude_segment_ids: [vips] } })).error).toMatchObject({ code: 'segment_not_found', errors: [{ pointer: '/exclude_segment_ids/0' }] });
    expect((await api().POST(`${ONE}/start`, one(id))).error).toMatchObject({ code: 'segment_not_found' });
    expect((await api().PATCH(ONE, { ...one(id), body: { exclude_segment_ids: null } })).data).toMatchObject({ exclude_segment_ids: [] });
    await act(id, 'start');
  });
});

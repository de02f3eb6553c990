import { Jobs } from '#jobs';
import type { TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const content = { subject: 'Lunch', body: 'Lunch is served' };
const HOUR = 3_600_000;

describe('campaigns by the recipients’ clocks', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let tenant: string;
  beforeEach(async () => {
    ({ app, smtp } = await startMailer()); // each moves its clock by days
    tenant = newTenant();
  });
  afterEach(async () => {
    await app.close();
    await smtp.close();
  });

  const api = () => app.api(['marketing'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const read = async (id: string) => (await api().GET(ONE, one(id))).data!;
  const settings = async (body: object) => expect((await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: body as never })).response.status).toBe(200);
  const hour = (at: number) => new Date(Math.ceil(at / HOUR) * HOUR);

  async function create(over: object): Promise<Awaited<ReturnType<typeof read>>> {
    const { data, error } = await api().POST(PATH, { body: { name: 'Lunch', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', content, ...over } });
    expect(error).toBeUndefined();
    return data!;
  }

  /** Runs the start job as the queue would at its time. */
  async function fire(id: string): Promise<void> {
    const [job] = await app.sql<{ data: { tenant: { id: number; name: string }; data: { due: string } } }>(`SELECT data FROM pgboss.job WHERE name = 'campaign-start' AND data->'data'->>'campaign_id' = $1 ORDER BY created_on DESC LIMIT 1`, [id]);
    app.clock.advance(Date.parse(job!.data.data.due) - app.clock.now().getTime());
    await app.nest.get(Jobs).handlers.get('campaign-start')!.handler(job!.data.tenant, job!.data.data, new AbortController().signal, { id: '', at: app.clock.now() });
  }

  async function people(zones: Record<string, string | null>): Promise<void> {
    await addCustomers(app, Object.entries(zones).map(([id, timezone]) => ({ id, email: `${id}@example.com`, timezone })), tenant);
    await eventually(async () => expect((await api().GET('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: 'seg_all_customers' } } })).data!.size).toBe(Object.keys(zones).length));
  }

  const ledger = async (id: string) =>
    Object.fromEntries((await api().GET(`${ONE}/deliveries`, { params: { path: { campaign_id: id }, query: { limit: 100 } } })).data!.data.map((row) => [row.customer_id, row.reason ?? row.status]));

  test('a start at the end of time is refused, and names itself', async () => {
    await settings({ timezone: 'Pacific/Auckland' });
    const body = { name: 'Late', type: 'newsletter' as const, channels: ['email' as const], segment_id: 'seg_all_customers', content, schedule: { start_date: '9999-12-31T23:59:59Z', local_time: true } };
    expect((await api().POST(PATH, { body })).error).toMatchObject({ status: 400, errors: [{ pointer: '/schedule/start_date' }] });
  });

  test('a local start reaches each at their own hour, whoever has no zone at the tenant’s', async () => {
    await settings({ timezone: 'America/New_York' });
    await people({ auckland: 'Pacific/Auckland', berlin: 'Europe/Berlin', honolulu: 'Pacific/Honolulu', nowhere: null });
    const start = hour(app.clock.now().getTime() + 48 * HOUR);
    const { id, schedule, warnings, status } = await create({ schedule: { start_date: start.toISOString(), local_time: true } });
    expect([status, schedule.local_time, warnings]).toEqual(['scheduled', true, []]);
    await fire(id);
    expect(app.clock.now().getTime()).toBeLessThan(start.getTime() - 17 * HOUR); // noon comes to the Line Islands 18 or 19 hours before New York
    await eventually(async () => expect(await ledger(id)).toEqual({ auckland: 'local_time', berlin: 'local_time', honolulu: 'local_time', nowhere: 'local_time' }));
    expect((await read(id)).status).toBe('active');

    const wall = (zone: string) => new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(app.clock.now());
    const wanted = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/New_York', dateStyle: 'short', timeStyle: 'short' }).format(start);
    const seen: Record<string, string> = {};
    for (const [id_, zone] of [['auckland', 'Pacific/Auckland'], ['berlin', 'Europe/Berlin'], ['nowhere', 'America/New_York'], ['honolulu', 'Pacific/Honolulu']] as const) {
      const [row] = await app.sql<{ at: Date }>(`SELECT min(next_attempt_at) AS at FROM deliveries WHERE status = 'pending' AND tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
      app.clock.advance(row!.at.getTime() - app.clock.now().getTime());
      seen[id_] = wall(zone);
      await eventually(async () => expect((await ledger(id))[id_]).toBe('accepted'));
      expect(smtp.recipients.at(-1)).toBe(`${id_}@example.com`);
    }
    expect(seen).toEqual({ auckland: wanted, berlin: wanted, nowhere: wanted, honolulu: wanted });
    await eventually(async () => expect((await read(id)).status).toBe('completed'));
    expect(smtp.recipients).toHaveLength(4);
  });

  test('who is past their hour when the campaign is scheduled is skipped, and it says so', async () => {
    await people({ auckland: 'Pacific/Auckland', honolulu: 'Pacific/Honolulu' });
    const { id, warnings } = await create({ schedule: { start_date: hour(app.clock.now().getTime() + HOUR).toISOString(), local_time: true } });
    expect(warnings).toMatchObject([{ code: 'local_time_passed' }]);
    await fire(id);
    await eventually(async () => expect(await ledger(id)).toEqual({ auckland: 'window_missed', honolulu: 'local_time' }));
    const [{ version }] = (await app.sql<{ version: number }>('SELECT schedule_version AS version FROM campaigns WHERE campaign_id = $1', [id])) as [{ version: number }];
    expect(version).toBe(1);
  });

  test('a local start that no worker was there for is told, not made up for', async () => {
    const { id } = await create({ schedule: { start_date: new Date(app.clock.now().getTime() + 48 * HOUR).toISOString(), local_time: true } });
    const [job] = await app.sql<{ data: { tenant: { id: number; name: string }; data: { due: string } } }>(`SELECT data FROM pgboss.job WHERE name = 'campaign-start' AND data->'data'->>'campaign_id' = $1`, [id]);
    app.clock.advance(Date.parse(job!.data.data.due) + 16 * 60_000 - app.clock.now().getTime()); // long before start_date itself
    await app.nest.get(Jobs).handlers.get('campaign-start')!.handler(job!.data.tenant, job!.data.data, new AbortController().signal, { id: '', at: app.clock.now() });
    expect(await read(id)).toMatchObject({ status: 'draft', started_at: null, warnings: [{ code: 'schedule_missed' }] });
  });

  test('booked anew when local time is turned on or off, not otherwise', async () => {
    const { id } = await create({ schedule: { start_date: new Date(app.clock.now().getTime() + 72 * HOUR).toISOString() } });
    const due = async () => (await app.sql<{ due: string }>(`SELECT data->'data'->>'due' AS due FROM pgboss.job WHERE name = 'campaign-start' AND data->'data'->>'campaign_id' = $1`, [id])).length;
    await api().PATCH(ONE, { ...one(id), body: { name: 'Dinner' } });
    expect(await due()).toBe(1);
    expect((await api().PATCH(ONE, { ...one(id), body: { schedule: { local_time: true } } })).data).toMatchObject({ schedule: { local_time: true }, status: 'scheduled' });
    expect(await due()).toBe(2);
    expect((await api().POST(`${ONE}/schedule`, { ...one(id), body: { local_time: false } })).data).toMatchObject({ schedule: { local_time: false } });
    expect(await due()).toBe(3);
  });

  test('the zone of when it was scheduled holds, wherever the tenant moves, until it is scheduled anew', async () => {
    await settings({ timezone: 'America/New_York' });
    await people({ berlin: 'Europe/Berlin', nowhere: null });
    const start = hour(app.clock.now().getTime() + 72 * HOUR);
    const { id } = await create({ schedule: { start_date: start.toISOString(), local_time: true } });
    const other = await create({ schedule: { start_date: start.toISOString(), local_time: true } });
    await settings({ timezone: 'Asia/Tokyo' });
    await api().PATCH(ONE, { ...one(id), body: { name: 'Dinner' } });
    await api().POST(`${ONE}/schedule`, { ...one(other.id), body: {} });
    const shown = (zone: string, at: Date) => new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(at);
    for (const [campaign, zone] of [[id, 'America/New_York'], [other.id, 'Asia/Tokyo']] as const) {
      await fire(campaign);
      await eventually(async () => expect(await ledger(campaign)).toEqual({ berlin: 'local_time', nowhere: 'local_time' }));
      const rows = await app.sql<{ customer_id: string; at: Date }>('SELECT c.customer_id, d.next_attempt_at AS at FROM deliveries d JOIN mailings m USING (tenant_id, campaign_no) JOIN customers c USING (tenant_id, customer_no) WHERE m.campaign_id = $1', [campaign]);
      const due = Object.fromEntries(rows.map(({ customer_id, at }) => [customer_id, at]));
      expect(due.nowhere).toEqual(start);
      expect(shown('Europe/Berlin', due.berlin!)).toBe(shown(zone, start));
    }
  });

  test('started by hand, a local campaign goes to everybody at once', async () => {
    await people({ auckland: 'Pacific/Auckland', honolulu: 'Pacific/Honolulu' });
    const { id } = await create({ schedule: { start_date: new Date(app.clock.now().getTime() + 48 * HOUR).toISOString(), local_time: true } });
    await api().POST(`${ONE}/start`, one(id));
    await eventually(async () => expect(await ledger(id)).toEqual({ auckland: 'accepted', honolulu: 'accepted' }));
  });

  test('outside the send window they wait for it, and the campaign is not completed before', async () => {
    await people({ berlin: 'Europe/Berlin', tokyo: 'Asia/Tokyo' });
    const clock = (zone: string, ahead: number) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(new Date(app.clock.now().getTime() + ahead));
    const { id, send_window } = await create({ send_window: { start: clock('Europe/Berlin', -HOUR), end: clock('Europe/Berlin', 2 * HOUR) } });
    expect(send_window).toEqual({ start: clock('Europe/Berlin', -HOUR), end: clock('Europe/Berlin', 2 * HOUR) });
    await api().POST(`${ONE}/start`, one(id));
    await eventually(async () => expect(await ledger(id)).toEqual({ berlin: 'accepted', tokyo: 'send_window' }));
    expect((await read(id)).status).toBe('active');
    app.clock.advance(24 * HOUR);
    await eventually(async () => expect(await ledger(id)).toEqual({ berlin: 'accepted', tokyo: 'send_window' }), { within: 1_000 }); // seven or eight hours off: its window is over when Berlin's begins
    app.clock.advance(16 * HOUR);
    await eventually(async () => expect(await ledger(id)).toEqual({ berlin: 'accepted', tokyo: 'accepted' }));
    await eventually(async () => expect((await read(id)).status).toBe('completed'));
  });

  test('a window that lies in quiet hours never comes', async () => {
    await settings({ quiet_hours: { email: { from: '20:00', to: '08:00' } } });
    await people({ ada: 'UTC' });
    const { id } = await create({ send_window: { start: '21:00', end: '23:00' } });
    await api().POST(`${ONE}/start`, one(id));
    await eventually(async () => expect(await ledger(id)).toEqual({ ada: 'window_missed' }));
  });

  test('what makes no sense is refused', async () => {
    const refused = async (over: object) => (await api().POST(PATH, { body: { name: 'x', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', ...over } as never })).error!;
    expect(await refused({ send_window: { start: '10:00', end: '10:00' } })).toMatchObject({ errors: [{ pointer: '/send_window/end' }] });
    expect(await refused({ send_window: { start: '25:00', end: '10:00' } })).toMatchObject({ errors: [{ pointer: '/send_window/start' }] });
    expect(await refused({ delivery_mode: 'continuous', schedule: { local_time: true } })).toMatchObject({ errors: [{ pointer: '/schedule/local_time' }] });
    expect(await refused({ delivery_mode: 'drip' })).toMatchObject({ errors: [{ pointer: '/delivery_mode' }] });
    expect(await refused({ exclude_segment_ids: ['seg_inactive_30', 'seg_nobody'] })).toMatchObject({ code: 'segment_not_found', errors: [{ pointer: '/exclude_segment_ids/1' }] });
  });
});

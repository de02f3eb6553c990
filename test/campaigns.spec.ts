import { type Api, startApp, type TestApp } from './support/app.js';
import type { components } from './support/api.js';
import { newTenant } from './support/tokens.js';

type Written = components['schemas']['CreateCampaign'];

const PATH = '/api/v1/marketing/campaigns';
const ONE = '/api/v1/marketing/campaigns/{campaign_id}';
const DAY = 86_400_000;

/** The API reference's own sample, to the letter. */
const FLASH_SALE: Written = {
  name: 'Flash Sale Friday',
  type: 'promotion',
  channels: ['push', 'email'],
  segment_id: 'seg_all_customers',
  content: {
    subject: 'Flash Sale - 25% Off Today Only!',
    body: "Don't miss our biggest sale of the season...",
    cta_text: 'Shop Now',
    cta_url: 'https://order.example.com?promo=FLASH25',
  },
  schedule: { start_date: '2026-01-31T12:00:00Z', end_date: '2026-01-31T23:59:59Z' },
  promo_code: 'FLASH25',
  promo_discount_percent: 25,
};

const content = { subject: 'Hello', body: 'Hello {{ customer.first_name | default: "there" }}' };
const SENDER = { from_email: 'hello@example.com', postal_address: '1 Main Street' };
const fromNow = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString();

describe('campaigns', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ env: { SMTP_URL: 'smtp://127.0.0.1:1' } })));
  afterAll(() => app.close());

  const draft = (over: Partial<Written> = {}): Written => ({ name: 'Autumn menu', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers', ...over });

  async function create(body: Written, api: Api = app.api()) {
    const { data, error, response } = await api.POST(PATH, { body });
    expect(error).toBeUndefined();
    return { ...data!, etag: response.headers.get('etag')! };
  }

  const at = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const seen = ({ id, etag }: { id: string; etag: string }) => ({ params: { path: { campaign_id: id }, header: { 'If-Match': etag } } });

  describe('writing', () => {
    test('the reference’s sample is accepted as printed; its start has passed, so it is a draft that says so', async () => {
      const api = app.api(['marketing'], newTenant());
      const { data, response } = await api.POST(PATH, { body: FLASH_SALE });
      expect(response.status).toBe(201);
      expect(response.headers.get('location')).toBe(`${PATH}/${data!.id}`);
      expect(data).toMatchObject({
        id: expect.stringMatching(/^camp_[0-9a-z]{26}$/),
        name: 'Flash Sale Friday',
        type: 'promotion',
        status: 'draft',
        channels: ['push', 'email'],
        segment: { id: 'seg_all_customers', name: 'All Customers', size: 0 },
        content: FLASH_SALE.content,
        schedule: { start_date: '2026-01-31T12:00:00.000Z', end_date: '2026-01-31T23:59:59.000Z' },
        promo_code: 'FLASH25',
        promo_discount_percent: 25,
        warnings: [{ code: 'schedule_in_past' }],
        metrics: { sent: 0, delivered: 0, opened: 0, open_rate: 0, clicked: 0, click_rate: 0, converted: 0, conversion_rate: 0, revenue_attributed: 0, unsubscribed: 0 },
      });
      const read = await api.GET(ONE, at(data!.id));
      expect(read.data).toEqual(data);
      expect(read.response.headers.get('etag')).toBe(response.headers.get('etag'));
    });

    test('a future start and content make it scheduled; without content it is a draft', async () => {
      const schedule = { start_date: fromNow(DAY), end_date: fromNow(2 * DAY) };
      expect(await create(draft({ content, schedule }))).toMatchObject({ status: 'scheduled', schedule });
      expect(await create(draft({ schedule }))).toMatchObject({ status: 'draft', warnings: [{ code: 'content_missing' }] });
      expect(await create(draft({ content }))).toMatchObject({ status: 'draft', warnings: [] });
    });

    test('what would hinder the start is a warning while there is time', async () => {
      const tenant = newTenant();
      const schedule = { start_date: fromNow(DAY) };
      expect(await create(draft({ content, schedule, channels: ['email', 'sms'] }), app.api(['manager'], tenant))).toMatchObject({ status: 'scheduled', warnings: [{ code: 'channel_not_configured' }] });
      expect(await create(draft({ content, schedule }), app.api(['manager'], tenant))).toMatchObject({ status: 'scheduled', warnings: [{ code: 'sender_not_configured' }] });
    });

    test('every fault is told at once, with its pointer', async () => {
      const schedule = { start_date: fromNow(2 * DAY), end_date: fromNow(DAY) };
      const wrong = { name: ' ', type: 'spam', channels: ['fax'], segment_id: 7, content: { subject: 'a\nb', locales: 'de' }, schedule: { start_date: '2026-02-30T00:00:00Z' }, delivery_mode: 'drip' };
      const { error } = await app.api().POST(PATH, { body: wrong as never });
      expect(error).toMatchObject({ code: 'validation_failed', status: 400 });
      expect(error!.errors!.map((fault) => fault.pointer).sort()).toEqual(
        ['/channels', '/content/locales', '/content/subject', '/delivery_mode', '/name', '/schedule/start_date', '/segment_id', '/segment_id', '/type'].sort(),
      );
      const late = await app.api().POST(PATH, { body: draft({ schedule, content: { ...content, body: '{{ broken' }, promo_code: 'HALF' }) });
      expect(late.error!.errors!.map((fault) => fault.pointer).sort()).toEqual(['/content/body', '/promo_discount_percent', '/schedule/end_date']);
    });

    test('a segment nobody has is not found', async () => {
      const { error } = await app.api().POST(PATH, { body: draft({ segment_id: 'seg_nobody' }) });
      expect(error).toMatchObject({ code: 'segment_not_found', status: 404, errors: [{ pointer: '/segment_id' }] });
    });

    test('a segment too large for a channel is refused, and told by how much', async () => {
      const tenant = newTenant();
      const api = app.api(['tenant_admin'], tenant);
      const kept = await create(draft(), api);
      await api.PATCH('/api/v1/marketing/settings', { body: { max_segment_size: { email: 2, sms: 1 } } });
      await app.sql(`UPDATE segments SET size = 3 WHERE segment_id = 'seg_all_customers' AND tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [tenant]);
      const too_large = {
        code: 'segment_too_large',
        status: 422,
        errors: [
          { channel: 'email', size: 3, max: 2 },
          { channel: 'sms', size: 3, max: 1 },
        ],
      };
      const channels: Written['channels'] = ['email', 'sms', 'push'];
      expect((await api.POST(PATH, { body: draft({ channels }) })).error).toMatchObject(too_large);
      expect((await api.PATCH(ONE, { ...at(kept.id), body: { channels, content } })).error).toMatchObject(too_large);
      const limits = (max_segment_size: { email: number; sms?: number }) => api.PATCH('/api/v1/marketing/settings', { body: { max_segment_size } });
      await limits({ email: 3 }); // as many as a channel takes are not too many
      expect((await api.POST(PATH, { body: draft({ channels }) })).error).toMatchObject({ ...too_large, errors: [{ channel: 'sms', size: 3, max: 1 }] });
      const fits = await create(draft({ content }), api);
      expect((await api.POST(`${ONE}/schedule`, { ...at(fits.id), body: { start_date: fromNow(DAY) } })).data).toMatchObject({ status: 'scheduled' });
      await limits({ email: 2 });
      const first = { ...too_large, errors: [too_large.errors[0]] };
      expect((await api.PATCH(ONE, { ...at(kept.id), body: { name: 'Another name' } })).error).toMatchObject(first);
      await app.sql(`UPDATE campaigns SET content = '{"subject":"s","body":"b"}' WHERE campaign_id = $1`, [kept.id]);
      expect((await api.POST(`${ONE}/schedule`, { ...at(kept.id), body: { start_date: fromNow(DAY) } })).error).toMatchObject(first);
      expect((await api.POST(`${ONE}/start`, at(kept.id))).error).toMatchObject(first);
    });

    test('its promo code is made with it, shared by another of the same percentage, and refused to a different one', async () => {
      const api = app.api(['marketing'], newTenant());
      const promo = { promo_code: 'autumn-10', promo_discount_percent: 10 };
      const first = await create(draft(promo), api);
      expect(first).toMatchObject({ promo_code: 'AUTUMN-10', promo_discount_percent: 10 });
      expect(await create(draft(promo), api)).toMatchObject({ promo_id: first.promo_id });
      expect((await api.POST(PATH, { body: draft({ ...promo, promo_discount_percent: 15 }) })).error).toMatchObject({ code: 'promo_code_exists', status: 409 });
      expect((await api.POST(PATH, { body: draft({ ...promo, promo_code: '!' }) })).error).toMatchObject({ code: 'invalid_promo_code', status: 400 });
      expect((await api.POST(PATH, { body: { ...draft({ ...promo, promo_code: '!' }), name: '', surprise: 1 } as never })).error).toMatchObject({ code: 'invalid_promo_code', status: 400 });
      expect((await api.PATCH(ONE, { ...at(first.id), body: { promo_code: null, promo_discount_percent: null } })).data).toMatchObject({ promo_id: null, promo_code: null });
    });

    test('the promo made with it moves with its dates, and holds when it starts early; a shared or hand-dated one stays', async () => {
      const api = app.api(['tenant_admin'], newTenant());
      await api.PATCH('/api/v1/marketing/settings', { body: { sender: SENDER } });
      const dates = (from: number, until: number) => ({ start_date: fromNow(from * DAY), end_date: fromNow(until * DAY) });
      const validity = async (id: string | null) => {
        const { data } = await api.GET('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: id! } } });
        return { start_date: data!.valid_from, end_date: data!.valid_until };
      };
      const [first, second, third] = [dates(2, 3), dates(5, 9), dates(6, 7)];
      const made = await create(draft({ content, promo_code: 'MOVES', promo_discount_percent: 10, schedule: first }), api);
      expect(await validity(made.promo_id)).toEqual(first);
      await api.PATCH(ONE, { ...at(made.id), body: { schedule: second } });
      expect(await validity(made.promo_id)).toEqual(second);
      await api.POST(`${ONE}/schedule`, { ...at(made.id), body: third });
      expect(await validity(made.promo_id)).toEqual(third);
      const { data: started } = await api.POST(`${ONE}/start`, at(made.id));
      expect(await validity(made.promo_id)).toEqual({ start_date: started!.started_at, end_date: third.end_date });

      const shared = await create(draft({ content, promo_code: 'SHARED', promo_discount_percent: 10, schedule: first }), api);
      await create(draft({ content, promo_code: 'SHARED', promo_discount_percent: 10, schedule: first }), api);
      await api.PATCH(ONE, { ...at(shared.id), body: { schedule: second } });
      expect(await validity(shared.promo_id)).toEqual(first);

      const dated = await create(draft({ content, promo_code: 'DATED', promo_discount_percent: 10, schedule: first }), api);
      await api.PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: dated.promo_id! } }, body: { valid_until: second.end_date } });
      await api.PATCH(ONE, { ...at(dated.id), body: { schedule: third } });
      expect(await validity(dated.promo_id)).toEqual({ start_date: first.start_date, end_date: second.end_date });
    });

    test('a key makes it once', async () => {
      const header = { 'Idempotency-Key': newTenant() };
      const post = () => app.api().POST(PATH, { params: { header }, body: draft({ name: 'Once' }) });
      const [first, again] = [await post(), await post()];
      expect(again.data).toEqual(first.data);
      expect(again.response.headers.get('idempotency-replayed')).toBe('true');
    });
  });

  describe('changing', () => {
    test('a merge patch changes what it names; content and schedule member by member', async () => {
      const made = await create(draft({ content, schedule: { start_date: fromNow(DAY) } }));
      const { data, response } = await app.api().PATCH(ONE, { ...seen(made), body: { content: { body: null, cta_text: 'Go', email: { body: 'By mail' } } } });
      expect(data).toMatchObject({ content: { subject: 'Hello', cta_text: 'Go', email: { body: 'By mail' } }, status: 'scheduled', schedule: made.schedule });
      expect(data!.content).not.toHaveProperty('body');
      expect(response.headers.get('etag')).not.toBe(made.etag);
      expect((await app.api().PATCH(ONE, { ...seen(made), body: { name: 'Late' } })).error).toMatchObject({ code: 'version_conflict', status: 412 });
    });

    test('a scheduled one is judged anew', async () => {
      const made = await create(draft({ content, schedule: { start_date: fromNow(DAY) } }));
      const patch = async (body: components['schemas']['UpdateCampaign']) => (await app.api().PATCH(ONE, { ...at(made.id), body })).data;
      expect(await patch({ content: null })).toMatchObject({ status: 'draft', warnings: [{ code: 'content_missing' }] });
      expect(await patch({ content })).toMatchObject({ status: 'draft', warnings: [] });
      await app.api().POST(`${ONE}/schedule`, { ...at(made.id), body: {} });
      expect(await patch({ schedule: { start_date: '2026-01-31T12:00:00Z' } })).toMatchObject({ status: 'draft', warnings: [{ code: 'schedule_in_past' }] });
      expect(await patch({ schedule: null })).toMatchObject({ schedule: { start_date: null, end_date: null }, warnings: [] });
    });

    test('after the start only the name changes', async () => {
      const made = await create(draft({ content }));
      await app.sql(`UPDATE campaigns SET status = 'completed' WHERE campaign_id = $1`, [made.id]);
      expect((await app.api().PATCH(ONE, { ...at(made.id), body: { name: 'Renamed' } })).data).toMatchObject({ name: 'Renamed', status: 'completed' });
      expect((await app.api().PATCH(ONE, { ...at(made.id), body: { name: 'x', priority: 1, content } })).error).toMatchObject({
        code: 'invalid_state',
        status: 409,
        errors: [{ pointer: '/priority' }, { pointer: '/content' }],
      });
    });

    test('deleted is gone; what runs is not deleted', async () => {
      const made = await create(draft());
      expect((await app.api().DELETE(ONE, at(made.id))).response.status).toBe(204);
      expect((await app.api().GET(ONE, at(made.id))).error).toMatchObject({ code: 'campaign_not_found', status: 404 });
      expect((await app.api().DELETE(ONE, at(made.id))).error).toMatchObject({ code: 'campaign_not_found' });
      const running = await create(draft());
      await app.sql(`UPDATE campaigns SET status = 'active' WHERE campaign_id = $1`, [running.id]);
      expect((await app.api().DELETE(ONE, at(running.id))).error).toMatchObject({ code: 'invalid_state', status: 409 });
    });

    test('a duplicate is a draft with the same words and audience, without the dates', async () => {
      const api = app.api(['marketing'], newTenant());
      const made = await create({ ...FLASH_SALE, priority: 7, schedule: { start_date: fromNow(DAY) } }, api);
      const { data, response } = await api.POST(`${ONE}/duplicate`, at(made.id));
      expect(response.status).toBe(201);
      expect(response.headers.get('location')).toBe(`${PATH}/${data!.id}`);
      const { content: words, segment, promo_id, channels } = made;
      expect(data).toMatchObject({ name: 'Flash Sale Friday (copy)', status: 'draft', content: words, segment, promo_id, channels, priority: 7, schedule: { start_date: null, end_date: null } });
    });
  });

  describe('moving', () => {
    test('schedule wants a future start and complete content', async () => {
      const made = await create(draft());
      const schedule = (body: components['schemas']['CampaignSchedule']) => app.api().POST(`${ONE}/schedule`, { ...at(made.id), body });
      expect((await schedule({})).error).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/start_date', code: 'required' }] });
      expect((await schedule({ start_date: '2026-01-31T12:00:00Z' })).error).toMatchObject({ errors: [{ pointer: '/start_date', code: 'schedule_in_past' }] });
      expect((await schedule({ start_date: fromNow(DAY), end_date: fromNow(DAY / 2) })).error).toMatchObject({ errors: [{ pointer: '/end_date' }] });
      expect((await schedule({ start_date: fromNow(DAY) })).error).toMatchObject({ code: 'invalid_state', status: 409, errors: [{ pointer: '/content/body' }, { pointer: '/content/subject' }] });
      await app.api().PATCH(ONE, { ...at(made.id), body: { content } });
      const start_date = fromNow(DAY);
      expect((await schedule({ start_date })).data).toMatchObject({ status: 'scheduled', start_date });
      expect((await app.fetch(`${PATH}/${made.id}/schedule`, { method: 'POST' })).status).toBe(200); // once more, at the same time
    });

    test('start wants a provider for each channel, then a sender', async () => {
      const tenant = newTenant();
      const api = app.api(['tenant_admin'], tenant);
      const both = await create(draft({ content, channels: ['email', 'sms'] }), api);
      expect((await api.POST(`${ONE}/start`, at(both.id))).error).toMatchObject({ code: 'channel_not_configured', status: 409, channels: ['sms'] });
      const made = await create(draft({ content }), api);
      expect((await api.POST(`${ONE}/start`, at(made.id))).error).toMatchObject({ code: 'sender_not_configured', status: 409 });
      await api.PATCH('/api/v1/marketing/settings', { body: { sender: SENDER } });
      expect((await api.POST(`${ONE}/start`, at(made.id))).data).toMatchObject({ status: 'active', started_at: expect.any(String) });
    });

    test('draft, active, paused, active, completed; and no other way', async () => {
      const tenant = newTenant();
      const api = app.api(['tenant_admin'], tenant);
      await api.PATCH('/api/v1/marketing/settings', { body: { sender: SENDER } });
      const made = await create(draft({ content }), api);
      const move = async (name: 'start' | 'pause' | 'resume' | 'cancel') => {
        const { data, error } = await api.POST(`${ONE}/${name}`, at(made.id));
        return data?.status ?? error!.code;
      };
      expect([await move('pause'), await move('resume'), await move('cancel')]).toEqual(Array(3).fill('invalid_state'));
      expect([await move('start'), await move('start'), await move('resume')]).toEqual(['active', 'invalid_state', 'invalid_state']);
      expect([await move('pause'), await move('pause'), await move('start')]).toEqual(['paused', 'invalid_state', 'invalid_state']);
      expect([await move('resume'), await move('cancel'), await move('cancel'), await move('start')]).toEqual(['active', 'completed', 'invalid_state', 'invalid_state']);
      expect((await api.GET(ONE, at(made.id))).data).toMatchObject({ status: 'completed', canceled_at: expect.any(String) });
    });

    test('a segment that a scheduled campaign waits for cannot be deleted', async () => {
      const api = app.api();
      const { data: segment } = await api.POST('/api/v1/marketing/segments', { body: { name: 'Regulars', type: 'static' } });
      const made = await create(draft({ content, segment_id: segment!.id, schedule: { start_date: fromNow(DAY) } }));
      const remove = () => api.DELETE('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: segment!.id } } });
      expect((await remove()).error).toMatchObject({ status: 409 });
      await api.POST(`${ONE}/cancel`, at(made.id));
      expect((await remove()).response.status).toBe(204);
      expect((await api.GET(ONE, at(made.id))).data).toMatchObject({ segment: { id: segment!.id, name: 'Regulars', size: 0 } });
    });
  });
});

import fc from 'fast-check';
import { startApp, type Api, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/event-subscriptions';
const ONE = '/api/v1/marketing/event-subscriptions/{subscription_id}';
const URL = 'https://hooks.example.com/marketing';

describe('event subscriptions', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const create = async (api: Api, body: object = {}, headers?: Record<string, string>) => {
    const { data, error, response } = await api.POST(PATH, { body: { url: URL, events: ['campaign.completed'], ...body }, headers });
    return { data: data!, error, response };
  };
  const of = (subscription_id: string) => ({ params: { path: { subscription_id } } });

  test('are made, listed, changed and deleted; the secret is shown once, and kept sealed', async () => {
    const api = app.api(['tenant_admin'], newTenant());
    const { data: made, response } = await create(api, { events: ['segment.entered', 'segment.exited'] });
    expect([response.status, response.headers.get('location'), response.headers.get('etag')]).toEqual([201, `${PATH}/${made.id}`, '"1"']);
    expect(made).toMatchObject({ url: URL, events: ['segment.entered', 'segment.exited'], active: true, disabled: null, failing_since: null, previous_secret_valid_until: null });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret, ...rest } = made;
    expect((await api.GET(ONE, of(made.id))).data).toEqual(rest);
    expect((await api.GET(PATH, {})).data).toMatchObject({ data: [rest], meta: { total: 1, total_relation: 'eq' } });
    const [row] = await app.sql<{ sealed: Buffer }>('SELECT sealed FROM event_subscription_secrets WHERE subscription_id = $1', [made.id]);
    expect(row!.sealed.includes(secret!.slice(6, 20))).toBe(false);

    const changed = await api.PATCH(ONE, { ...of(made.id), body: { active: false }, headers: { 'if-match': '"1"' } });
    expect(changed.data).toMatchObject({ id: made.id, url: URL, events: rest.events, active: false });
    expect((await api.PATCH(ONE, { ...of(made.id), body: { events: ['promo.redeemed'] }, headers: { 'if-match': '"1"' } })).response.status).toBe(412);
    expect((await api.DELETE(ONE, { ...of(made.id), headers: { 'if-match': '"1"' } })).response.status).toBe(412);
    expect((await api.DELETE(ONE, of(made.id))).response.status).toBe(204);
    expect((await api.GET(ONE, of(made.id))).error).toMatchObject({ code: 'event_subscription_not_found' });
    expect((await api.GET(PATH, {})).data!.data).toEqual([]);
  });

  test('a repeated request makes one, and the kept answer holds no secret', async () => {
    const tenant = newTenant();
    const api = app.api(['tenant_admin'], tenant);
    const first = await create(api, {}, { 'idempotency-key': 'sub' });
    const again = await create(api, {}, { 'idempotency-key': 'sub' });
    expect([again.data.id, again.data.secret, again.response.headers.get('idempotency-replayed')]).toEqual([first.data.id, undefined, 'true']);
    expect((await api.GET(PATH, {})).data!.meta.total).toBe(1);
    expect(await app.sql('SELECT 1 FROM idempotency_keys WHERE body::text LIKE $1', [`%${first.data.secret}%`])).toEqual([]);
  });

  test('each change of the secret keeps the one before for a day', async () => {
    const api = app.api(['tenant_admin'], newTenant());
    const { data: made } = await create(api);
    const rotated = (await api.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/rotate', of(made.id))).data!;
    expect(rotated.secret).not.toBe(made.secret);
    const stale = await api.PATCH('/api/v1/marketing/event-subscriptions/{subscription_id}', { params: { path: { subscription_id: made.id }, header: { 'If-Match': '"1"' } }, body: { active: false } });
    expect(stale.error).toMatchObject({ code: 'version_conflict' });
    const late = await api.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/rotate', { params: { path: { subscription_id: made.id }, header: { 'If-Match': '"1"' } } });
    expect(late.error).toMatchObject({ code: 'version_conflict' }); // of two who rotate at once, one learns that there is a newer secret
    const hours = (Date.parse(rotated.previous_secret_valid_until!) - app.clock.now().getTime()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
  });

  test('of twenty-five at once twenty are made', async () => {
    const api = app.api(['tenant_admin'], newTenant());
    const answers = await Promise.all(Array.from({ length: 25 }, () => create(api)));
    expect(answers.filter(({ response }) => response.status === 201)).toHaveLength(20);
    expect(answers.flatMap(({ error }) => error?.code ?? [])).toEqual(Array(5).fill('too_many_subscriptions'));
    const first = (await api.GET(PATH, { params: { query: { limit: 15 } } })).data!;
    const second = (await api.GET(PATH, { params: { query: { limit: 15, cursor: first.meta.next_cursor! } } })).data!;
    expect(new Set([...first.data, ...second.data].map(({ id }) => id)).size).toBe(20);
  });

  test('of another tenant is one that does not exist', async () => {
    const { data: made } = await create(app.api(['tenant_admin'], newTenant()));
    const stranger = app.api(['tenant_admin'], newTenant());
    const answers = await Promise.all([
      stranger.GET(ONE, of(made.id)),
      stranger.PATCH(ONE, { ...of(made.id), body: { active: false } }),
      stranger.DELETE(ONE, of(made.id)),
      stranger.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/rotate', of(made.id)),
    ]);
    expect(answers.map(({ response }) => response.status)).toEqual([404, 404, 404, 404]);
    expect((await stranger.GET(PATH, {})).data!.data).toEqual([]);
  });

  test('who did what is in the audit log, without a secret', async () => {
    const api = app.api(['tenant_admin'], newTenant());
    const { data: made } = await create(api, { url: `${URL}?key=of-the-receiver` });
    await api.POST('/api/v1/marketing/event-subscriptions/{subscription_id}/rotate', of(made.id));
    await api.PATCH(ONE, { ...of(made.id), body: { active: false } });
    await api.DELETE(ONE, of(made.id));
    const entries = (await api.GET('/api/v1/marketing/audit-log', {})).data!.data;
    expect(entries.map(({ action }) => action)).toEqual(['deleted', 'updated', 'secret_rotated', 'created'].map((what) => `event_subscription.${what}`));
    expect(JSON.stringify(entries)).not.toMatch(/whsec|of-the-receiver/);
  });

  test.each([
    ['plain http', { url: 'http://hooks.example.com/' }, '/url'],
    ['no URL', { url: 'hooks' }, '/url'],
    ['an address that is none', { url: 'https://xn--iñvalid.com/' }, '/url'],
    ['another way out', { url: 'ftp://hooks.example.com/' }, '/url'],
    ['a login in the URL', { url: 'https://user:password@hooks.example.com/' }, '/url'],
    ['an unknown event', { events: ['campaign.exploded'] }, '/events'],
    ['no event', { events: [] }, '/events'],
    ['an event twice', { events: ['promo.redeemed', 'promo.redeemed'] }, '/events'],
    ['a word for active', { active: 'yes' }, '/active'],
  ])('with %s are refused', async (_, body, pointer) => {
    const { error, response } = await create(app.api(['tenant_admin'], newTenant()), body);
    expect([response.status, error?.errors?.[0]]).toMatchObject([400, { pointer }]);
  });

  test('whatever is posted is answered with 201 or 4xx', async () => {
    const api = newTenant();
    const bearer = app.api(['tenant_admin'], api);
    const body = fc.record({ url: fc.oneof(fc.webUrl(), fc.string(), fc.anything()), events: fc.oneof(fc.array(fc.string()), fc.anything()), active: fc.oneof(fc.boolean(), fc.anything()) }, { requiredKeys: [] });
    await fc.assert(fc.asyncProperty(body, async (given) => {
      const { response } = await bearer.POST(PATH, { body: given as never });
      void expect(response.status).toBeLessThan(500);
    }), { numRuns: 200 });
  });
});

import { startApp, type TestApp } from './support/app.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;
const DAY = 86_400_000;

describe('a campaign whose promo was there before it', () => {
  let app: TestApp;
  let now: number;
  beforeAll(async () => {
    app = await startApp({ env: { SMTP_URL: 'smtp://127.0.0.1:1', DEFAULT_FROM_EMAIL: 'hello@example.com', DEFAULT_POSTAL_ADDRESS: '1 Main Street' } });
    now = app.clock.now().getTime();
  });
  afterAll(() => app.close());

  let codes = 0;
  const day = (days: number): string => new Date(now + days * DAY).toISOString();
  const promo = async (terms: { valid_from?: string; valid_until?: string }) => {
    const { data } = await app.api().POST('/api/v1/marketing/promos', { body: { code: `CODE-${codes++}`, type: 'percentage', value: 25, ...terms } });
    return data!;
  };
  const announce = async (promo_code: string, schedule: { start_date?: string; end_date?: string }) => {
    const content = { subject: 'Hello', body: '{{ promo_code }}' };
    const { data, error } = await app.api().POST(PATH, { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content, schedule, promo_code, promo_discount_percent: 25 } });
    expect(error).toBeUndefined();
    return data!;
  };
  const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

  test.each([
    ['holds from its start to its end', { valid_from: 1, valid_until: 3 }, { start_date: 1, end_date: 3 }, []],
    ['holds for ever', {}, { start_date: 1, end_date: 3 }, []],
    ['holds later than its start', { valid_from: 2 }, { start_date: 1 }, ['promo_not_valid']],
    ['ends before its end', { valid_until: 2 }, { start_date: 1, end_date: 3 }, ['promo_not_valid']],
    ['ends before its start', { valid_until: 1 }, { start_date: 2 }, ['promo_not_valid']],
    ['ends some time after it started for good', { valid_until: 2 }, { start_date: 1 }, []],
    ['is over, before there is a date', { valid_from: -2, valid_until: -1 }, {}, ['promo_not_valid']],
  ])('is told when it %s', async (_, terms, schedule, expected) => {
    const dated = (days: object) => Object.fromEntries(Object.entries(days).map(([name, n]) => [name, day(n as number)]));
    const campaign = await announce((await promo(dated(terms))).code, dated(schedule));
    expect(codesOf(campaign)).toEqual(expected);
    expect(campaign.status).toBe('start_date' in schedule ? 'scheduled' : 'draft');
  });

  test('is told of it with every change and schedule, until it is well', async () => {
    const { id: promo_id, code } = await promo({ valid_until: day(5) });
    const campaign = await announce(code, { start_date: day(1), end_date: day(4) });
    const at = { params: { path: { campaign_id: campaign.id } } };
    expect(campaign.warnings).toEqual([]);
    const scheduled = (await app.api().POST(`${ONE}/schedule`, { ...at, body: { end_date: day(6) } })).data!;
    expect(scheduled).toMatchObject({ status: 'scheduled', warnings: [{ code: 'promo_not_valid', detail: expect.stringContaining(`${code} ends`) }] });
    expect(codesOf((await app.api().PATCH(ONE, { ...at, body: { schedule: { end_date: day(5) } } })).data!)).toEqual([]);
    for (const move of ['pause', 'archive'] as const) {
      await app.api().POST(`/api/v1/marketing/promos/{promo_id}/${move}`, { params: { path: { promo_id } } });
      expect((await app.api().PATCH(ONE, { ...at, body: { name: `After ${move}` } })).data!.warnings).toEqual([{ code: 'promo_not_valid', detail: `Promo code ${code} is ${move}d.` }]);
    }
  });

  test('is told nothing of one that is made with it', async () => {
    const campaign = await announce('OF-ITS-OWN', { start_date: day(1), end_date: day(2) });
    expect(campaign.warnings).toEqual([]);
    const { data } = await app.api().PATCH(ONE, { params: { path: { campaign_id: campaign.id } }, body: { schedule: { start_date: day(3), end_date: day(4) } } });
    expect(data!.warnings).toEqual([]);
  });
});

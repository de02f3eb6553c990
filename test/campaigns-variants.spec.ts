import type { TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const PATH = '/api/v1/marketing/campaigns';
const ONE = `${PATH}/{campaign_id}` as const;

const content = { subject: 'Sale', body: 'Come in', cta_text: 'Go', cta_url: 'https://order.example.com/menu' };
const variants = [
  { id: 'plain', weight: 1, content: {} },
  { id: 'named', weight: 3, content: { subject: 'Sale for {{ customer.first_name }}', cta_url: 'https://order.example.com/named' } },
];

describe('variants of a campaign', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let tenant: string;
  let mailings: Mailings;
  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, (tenant = newTenant()));
    smtp.recipients.length = 0;
  });

  const api = () => app.api(['marketing'], tenant);
  const one = (campaign_id: string) => ({ params: { path: { campaign_id } } });
  const post = (over: object) => api().POST(PATH, { body: { name: 'Flash Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content, variants, ...over } as never });

  async function create(over: object = {}): Promise<string> {
    const { data, error } = await post(over);
    expect(error).toBeUndefined();
    return data!.id;
  }
  const faults = async (over: object): Promise<string[]> => ((await post(over)).error as unknown as { errors: { pointer: string; code: string }[] }).errors.map(({ pointer, code }) => `${pointer} ${code}`);

  test('whoever asks for all that is kept of them is told which they got, or since when they are held out', async () => {
    const id = await create({ segment_id: await mailings.segmentId(await mailings.crowd(20)), holdout_percent: 50 });
    await api().POST(`${ONE}/start`, one(id));
    await eventually(async () => expect((await api().GET(ONE, one(id))).data!.status).toBe('completed'));
    const { data } = (await api().GET(`${ONE}/deliveries`, { params: { path: { campaign_id: id }, query: { limit: 100 } } })).data!;
    expect(new Set(data.map(({ status }) => status))).toEqual(new Set(['accepted', 'skipped']));
    for (const { customer_id, variant, reason } of data) {
      const exported = (await api().GET('/api/v1/marketing/customers/{customer_id}/export', { params: { path: { customer_id: customer_id! } } })).data!.data as { deliveries?: unknown };
      expect(exported.deliveries).toMatchObject({ messages: [{ variant, held_out_at: reason === 'holdout' ? (expect.any(String) as string) : null }] });
    }
  });

  test('each customer gets one of them by weight, and the ledger says which', async () => {
    const id = await create({ segment_id: await mailings.segmentId(await mailings.crowd(200)) });
    expect((await api().POST(`${ONE}/start`, one(id))).response.status).toBe(200);
    await eventually(async () => expect((await api().GET(ONE, one(id))).data!.status).toBe('completed'));
    const list = async (variant?: string) => (await api().GET(`${ONE}/deliveries`, { params: { path: { campaign_id: id }, query: { limit: 100, ...(variant && { variant }) } } })).data!;
    const [plain, named, nobody] = [await list('plain'), await list('named'), await list('other')];
    expect([plain.meta.total + named.meta.total, nobody.meta.total]).toEqual([200, 0]);
    expect(Math.abs(plain.meta.total - 50)).toBeLessThan(31); // five standard deviations
    expect(new Set(plain.data.map(({ variant }) => variant))).toEqual(new Set(['plain']));
    const got = async (customer: { customer_id: string | null }) => {
      const { data } = await api().GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: customer.customer_id! } } });
      return smtp.mailTo(data!.email!);
    };
    expect((await got(plain.data[0]!)).subject).toBe('Sale');
    const mail = await got(named.data[0]!);
    expect(mail.subject).toBe('Sale for');
    const link = /href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[\w-]+)"/.exec(mail.html as string)![1]!;
    expect((await app.fetch(link, { redirect: 'manual' })).headers.get('location')).toContain('https://order.example.com/named');
  });

  test('a variant is judged as what it makes of the content, and pointed at', async () => {
    expect(await faults({ variants: [variants[0]] })).toEqual(['/variants array_min_size']);
    expect(await faults({ variants: [variants[0], { ...variants[1], id: 'plain' }] })).toEqual(['/variants/1/id duplicate']);
    expect(await faults({ variants: [{ id: 'A b', weight: 0, content }, { id: 'b', weight: 1.5, content: 'x' }] })).toEqual(
      expect.arrayContaining(['/variants/0/id matches', '/variants/0/weight min', '/variants/1/weight is_int', '/variants/1/content is_object']),
    );
    expect(await faults({ variants: [variants[0], { id: 'b', weight: 1, content: { subject: '{{ broken' } }] })).toEqual(['/variants/1/content/subject invalid_template']);
    expect(await faults({ content: { ...content, subject: '{{ broken' } })).toEqual(['/content/subject invalid_template']); // told once
    expect(await faults({ variants: [variants[0], { id: 'b', weight: 1, content: { email: { cta_url: 'https://{{ customer.city }}.example' } } }] })).toEqual(['/variants/1/content/email/cta_url invalid_url']);
  });

  test('lists are no contents, wherever one may stand', async () => {
    for (const list of [[], [[]], [{ subject: 'x' }]]) {
      expect(await faults({ variants: [list, variants[1]] })).toEqual(['/variants/0 is_object']);
      expect(await faults({ content: { ...content, locales: { de: list } } })).toEqual(['/content/locales/de is_object']);
      expect(await faults({ content: { ...content, locales: { de: { email: list } } } })).toEqual(['/content/locales/de/email is_object']);
    }
  });

  test('a campaign is complete when its variants are', async () => {
    const without = await create({ variants: [variants[0], { id: 'b', weight: 1, content: { subject: null } }] });
    const { error } = await api().POST(`${ONE}/start`, one(without));
    expect(error).toMatchObject({ code: 'invalid_state', errors: [{ pointer: '/variants/1/content/subject', code: 'required' }] });
    const each = await create({ content: null, variants: [{ id: 'a', weight: 1, content }, { id: 'b', weight: 1, content }] });
    expect((await api().POST(`${ONE}/start`, one(each))).response.status).toBe(200);
  });

  test('previews, tests and preflights know them; a copy has them, and a patch replaces them', async () => {
    await addCustomers(app, [{ id: 'ada', email: 'ada@example.com', first_name: 'Ada' }, { id: 'ben', email: 'ben@example.com' }], tenant);
    const everybody = await app.sql<{ customer_no: number }>('SELECT customer_no FROM customers WHERE tenant_id = $1', [mailings.tenant.id]);
    const id = await create({ segment_id: await mailings.segmentId(everybody.map(({ customer_no }) => customer_no)) });
    const preview = async (body: object) => (await api().POST(`${ONE}/preview`, { ...one(id), body: { customer_id: 'ada', ...body } as never })).data;
    const own = (await preview({}))!;
    expect(own.messages[0]!.subject).toBe(own.variant === 'plain' ? 'Sale' : 'Sale for Ada');
    expect(await preview({ variant: 'plain' })).toMatchObject({ variant: 'plain', messages: [{ subject: 'Sale' }] });
    expect(await preview({ variant: 'named' })).toMatchObject({ variant: 'named', messages: [{ subject: 'Sale for Ada' }] });
    const unknown = await api().POST(`${ONE}/preview`, { ...one(id), body: { customer_id: 'ada', variant: 'other' } });
    expect(unknown.error).toMatchObject({ errors: [{ pointer: '/variant', code: 'unknown_variant' }] });

    const test = async (body: object) => expect((await api().POST(`${ONE}/test`, { ...one(id), body: { to: ['check@example.com'], ...body } as never })).response.status).toBe(200);
    await test({ variant: 'named', customer_id: 'ada' });
    expect((await smtp.mailTo('check@example.com')).subject).toBe('[Test] Sale for Ada');

    const { data: ahead } = await api().POST(`${ONE}/preflight`, one(id));
    expect(ahead!.channels[0]!.missing_fields).toEqual([{ field: 'customer.first_name', customers: 1 }]);

    const { data: copy } = await api().POST(`${ONE}/duplicate`, one(id));
    expect(copy!.variants).toEqual(variants);
    const { data: changed } = await api().PATCH(ONE, { ...one(id), body: { variants: null } });
    expect(changed!.variants).toEqual([]);
  });
});

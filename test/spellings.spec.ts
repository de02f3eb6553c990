import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

/** One code point for an accented letter, and two. */
const [ONE, TWO] = (['NFC', 'NFD'] as const).map((form) => (text: string) => text.normalize(form)) as [(text: string) => string, (text: string) => string];

describe('an accented letter is one letter, however many code points it came as', () => {
  let app: TestApp;
  let imports: TestImports;
  let api: ReturnType<TestApp['api']>;
  const profile = (spelt: (text: string) => string) =>
    ({ email: spelt('zoë@example.com'), first_name: spelt('Zoë'), last_name: spelt('Müller'), city: spelt('Orléans'), loyalty_tier: spelt('doré'), tags: [spelt('café'), spelt('régulière')], attributes: { dish: spelt('crème brûlée'), allergies: [spelt('blé')] } });

  beforeAll(async () => {
    app = await startApp({ worker: true });
    imports = new TestImports(app, newTenant());
    api = app.api(['marketing'], imports.tenant);
    await imports.put('put-one', profile(ONE));
    await imports.put('put-two', profile(TWO));
    await api.POST('/api/v1/marketing/customers/batch', { body: { customers: [{ customer_id: 'batch-two', ...profile(TWO) }] as never } });
    const { email, first_name, last_name, city, loyalty_tier, tags, attributes } = profile(TWO);
    await imports.run(`customer_id,email,first_name,last_name,city,loyalty_tier,tags,attributes.dish\nimport-two,${[email, first_name, last_name, city, loyalty_tier, tags.join('|'), attributes.dish].join()}\n`);
    await imports.put('other', { city: 'Paris' });
  });
  afterAll(() => app.close());

  test('it is kept as one', async () => {
    for (const id of ['put-one', 'put-two', 'batch-two']) expect(await imports.customer(id)).toMatchObject(profile(ONE));
    const { attributes, ...rest } = profile(ONE);
    expect(await imports.customer('import-two')).toMatchObject({ ...rest, attributes: { dish: attributes.dish } });
  });

  test('the same in another spelling changes nothing; a tag in two spellings is one tag', async () => {
    const before = await imports.customer('put-one');
    const { data } = await imports.put('put-one', { ...profile(TWO), tags: [...profile(ONE).tags, ...profile(TWO).tags] });
    expect(data).toEqual(before);
  });

  describe.each([['one', ONE], ['two', TWO]])('asked for as %s', (_, spelt) => {
    const size = async (criteria: object) => (await api.POST('/api/v1/marketing/segments/preview', { body: { criteria: criteria as never } })).data!.size;

    test.each([
      [{ city: spelt('Orléans') }], [{ city: { in: ['Lyon', spelt('Orléans')] } }], [{ city: { contains: spelt('lé') } }], [{ first_name: { starts_with: spelt('Zoë') } }], [{ last_name: spelt('Müller') }],
      [{ loyalty_tier: spelt('doré') }], [{ tags: { contains: spelt('café') } }], [{ 'attributes.dish': spelt('crème brûlée') }], [{ 'attributes.dish': { between: [spelt('crème brûlée'), spelt('crème brûlée')] } }],
      [{ tags: { exists: true }, city: { ne: 'Paris' } }],
    ])('criteria %j find everyone', async (criteria) => expect(await size(criteria)).toBe(4));

    test('so do lists, searches and suggestions', async () => {
      for (const query of [{ city: spelt('Orléans') }, { loyalty_tier: spelt('doré') }, { tag: spelt('café') }, { q: spelt('Zoë') }, { q: spelt('müller') }, { q: spelt('ZOË@exa') }]) {
        const { data } = await api.GET('/api/v1/marketing/customers', { params: { query } });
        expect([query, data!.meta.total]).toEqual([query, 4]);
      }
      const { data } = await api.GET('/api/v1/marketing/segments/fields/{name}/values', { params: { path: { name: 'city' }, query: { q: spelt('orléans') } } } as never);
      expect((data as unknown as { data: object[] }).data).toEqual([{ value: ONE('Orléans'), size: 4 }]);
    });
  });

  test('an address is one: an opt-out of it holds in either spelling, and criteria in both find it', async () => {
    await imports.put('mail-one', { email: ONE('josé@example.com'), consents: { email: { status: 'subscribed', at: '2025-01-01T00:00:00Z' } } });
    await imports.put('mail-two', { email: TWO('José@example.com'), consents: { email: { status: 'unsubscribed', at: '2026-01-01T00:00:00Z' } } });
    for (const id of ['mail-one', 'mail-two']) expect(await imports.customer(id)).toMatchObject({ email: ONE('josé@example.com'), consents: { email: { status: 'unsubscribed' } } });
    for (const spelt of [ONE, TWO]) {
      for (const test of [spelt('josé@example.com'), { starts_with: spelt('JOSÉ') }]) expect((await api.POST('/api/v1/marketing/segments/preview', { body: { criteria: { email: test } as never } })).data!.size).toBe(2);
    }
  });

  test('ids are what their callers say, letter for letter', async () => {
    await imports.put(ONE('é-1'), { city: 'Rome' });
    await imports.put(TWO('é-1'), { city: 'Rome' });
    const { data } = await api.GET('/api/v1/marketing/customers', { params: { query: { city: 'Rome' } } });
    expect(data!.data.map(({ customer_id }) => customer_id)).toEqual([TWO('é-1'), ONE('é-1')]);
    for (const spelt of [ONE, TWO]) expect((await api.POST('/api/v1/marketing/segments/preview', { body: { criteria: { customer_id: spelt('é-1') } as never } })).data!.size).toBe(1);
  });
});

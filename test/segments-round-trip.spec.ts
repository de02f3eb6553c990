import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant, token } from './support/tokens.js';

/** What a spreadsheet, a CSV or our own reading of it could take for something else. */
const HOSTILE = fc.string({ unit: fc.constantFrom(...`'=+-@|\\",;:#%＝＠aé🍕 `), minLength: 1, maxLength: 12 });
const text = fc.oneof(HOSTILE, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), fc.constantFrom('=1+1', "'=1", "''-", "'", '\\', 'null', 'NaN', '007', 'sep=;', '\u2007a', 'ﷺ')).map((one) => one.trim()).filter((one) => one !== '' && !/[\p{Cc}\u2028\u2029]/u.test(one));
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const consent = fc.oneof(
  fc.record({ status: fc.constantFrom('subscribed', 'unsubscribed'), source: maybe(text), at: fc.date({ min: new Date('2020-01-01'), max: new Date('2026-01-01'), noInvalidDate: true }).map((at) => at.toISOString()) }),
  fc.record({ status: fc.constant('subscribed'), source: maybe(text) }),
);
const customer = fc.record({
  customer_id: text.filter((one) => one !== '.' && one !== '..'), // no URL can name those
  first_name: maybe(text), last_name: maybe(text), city: maybe(text), loyalty_tier: maybe(text), tags: fc.array(text, { maxLength: 4 }),
  phone: maybe(fc.constantFrom('+14155552671', '+41791234567')), loyalty_points: maybe(fc.integer({ min: -1000, max: 1000 })), birthday: maybe(fc.constant('1990-12-10')),
  locale: maybe(fc.constant('en-US')), timezone: maybe(fc.constant('Europe/Berlin')), consents: fc.record({ email: consent, push: consent }, { requiredKeys: [] }),
});
const customers = fc.uniqueArray(customer, { selector: (one) => one.customer_id, minLength: 1, maxLength: 30 }).map((all) =>
  all.map((one, n) => ({ ...one, email: `guest${n}@example.com` })));

describe('an exported segment', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  const known = async (tenant: string) => {
    const { data } = await app.api(['marketing'], tenant).GET('/api/v1/marketing/customers', { params: { query: { limit: 100 } } });
    return data!.data.map(({ created_at: _created, updated_at: _updated, ...profile }) => profile).sort((a, b) => (a.customer_id < b.customer_id ? -1 : 1));
  };

  test('is imported as the same customers, whatever they are called', async () => {
    await fc.assert(
      fc.asyncProperty(customers, async (guests) => {
        const [from, into] = [newTenant(), new TestImports(app, newTenant())];
        const { data: written } = await app.api(['marketing'], from).POST('/api/v1/marketing/customers/batch', { body: { customers: guests as never } });
        expect(written).toMatchObject({ created: guests.length });
        const { data: list } = await app.api(['marketing'], from).POST('/api/v1/marketing/segments', { body: { name: 'All', type: 'static' } });
        await app.api(['marketing'], from).POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id: list!.id } }, body: { customer_ids: guests.map((one) => one.customer_id) } });
        const file = await (await app.fetch(`/api/v1/marketing/segments/${list!.id}/export`, { token: token(from) })).text();
        expect(await into.run(file)).toMatchObject({ created: guests.length, rejected: 0 });
        expect(await known(into.tenant)).toEqual(await known(from));
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});

import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';

describe('searching customers', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    const customers = [
      { customer_id: 'ada', first_name: 'Ada', last_name: 'Lovelace', phone: '+41791234567', email: 'ada@example.com', city: 'Bern', tags: ['vip'] },
      { customer_id: 'rene', first_name: 'Rene\u0301', last_name: 'Müller', phone: '+4917612345678', city: 'Bern' }, // é of two code points
      { customer_id: 'renee', first_name: 'Renée', phone: '+39065551234', loyalty_tier: 'gold' },
      { customer_id: 'jose', first_name: 'ＪＯＳＥ', last_name: 'de la Cruz', phone: '+14155552671' }, // full-width letters
    ];
    await app.api().POST('/api/v1/marketing/customers/batch', { body: { customers } });
  });
  afterAll(() => app.close());

  const find = async (query: object) => {
    const { data } = await app.api().GET('/api/v1/marketing/customers', { params: { query } });
    expect(data!.meta.total).toBe(data!.data.length);
    return data!.data.map((one) => one.customer_id).sort();
  };

  test.each([
    ['ada', ['ada']], ['ADA LOVE', ['ada']], ['Lovelace Ada', ['ada']], ['lovelace,  a', ['ada']], ['love', ['ada']], ['lace', []],
    ['rené', ['rene', 'renee']], ['RENE', ['rene', 'renee']], ['rene\u0301e', ['renee']], ['muller', ['rene']], ['Müller René', ['rene']],
    ['josé', ['jose']], ['de la', ['jose']], ['ada@', ['ada']], ['%', []], ['_da', []],
  ])('%s', async (q, ids) => {
    expect(await find({ q })).toEqual(ids);
  });

  test.each([
    ['079 123 45 67', ['ada']], ['079 12', ['ada']], ['+41 79', ['ada']], ['0041 79 123', ['ada']], ['4179', ['ada']], ['0176/1234', ['rene']], ['06 555', ['renee']], ['(415) 555-26', ['jose']], ['078 123', []],
  ])('phone %s', async (q, ids) => {
    expect(await find({ q })).toEqual(ids);
  });

  test('filters hold together', async () => {
    expect(await find({ city: 'Bern' })).toEqual(['ada', 'rene']);
    expect(await find({ city: 'Bern', q: 'rene' })).toEqual(['rene']);
    expect(await find({ city: 'Bern', tag: 'vip' })).toEqual(['ada']);
    expect(await find({ loyalty_tier: 'gold', q: 'r' })).toEqual(['renee']);
    expect(await find({ loyalty_tier: 'gold', city: 'Bern' })).toEqual([]);
  });

  test('letters with strokes, and those of two, are found as people type them', async () => {
    await addCustomers(app, [{ id: 'lukasz', first_name: 'Łukasz', last_name: 'Ødegård' }, { id: 'strauss', last_name: 'Strauß' }, { id: 'aero', last_name: 'Ærø' }]);
    for (const [q, id] of [['lukasz', 'lukasz'], ['ŁUKASZ', 'lukasz'], ['odegard', 'lukasz'], ['strauss', 'strauss'], ['STRAUẞ', 'strauss'], ['aero', 'aero']] as const) expect([q, await find({ q })]).toEqual([q, [id]]);
  });

  test('an id that was merged away finds whom it means now', async () => {
    await addCustomers(app, [{ id: 'kept', city: 'Oslo' }, { id: 'merged-1', city: 'Oslo' }]);
    await app.api(['tenant_admin']).POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'kept' } }, body: { from: 'merged-1' } as never });
    expect(await find({ q: 'merged-1' })).toEqual(['kept']);
  });
});

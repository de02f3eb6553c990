import type { EntityManager } from 'typeorm';
import { PersonalData } from '#customers';
import { Database } from '#database';
import { Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import { PROMO_REDEEMED, PROMO_ROLLED_BACK, Promos } from '#promos';
import { Tenants } from '#tenants';
import { startApp, type TestApp } from './support/app.js';

describe('what promos offer to other domains', () => {
  let app: TestApp;
  let tenant: Tenant;
  beforeAll(async () => {
    app = await startApp();
    tenant = await app.nest.get(Tenants).resolve(app.tenant);
  });
  afterAll(() => app.close());

  const inTenant = <T>(work: (tx: EntityManager) => Promise<T>): Promise<T> => app.nest.get(Database).inTenant(tenant, work);
  const attach = (want: { code: string; percent: number; validFrom?: Date; validUntil?: Date }) =>
    inTenant((tx) => app.nest.get(Promos).attachToCampaign(tx, tenant, { validFrom: null, validUntil: null, ...want }));
  const redeem = async (code: string, orderId: string, customerId: string) =>
    (await app.api().POST('/api/v1/marketing/promos/redemptions', { body: { code, customer_id: customerId, order: { id: orderId, items: [{ id: 'l', quantity: 1, unit_price: 20 }] } } })).data as { id: string };

  test('a campaign’s code is created once, linked when it takes the same off, refused otherwise', async () => {
    const from = new Date('2026-01-31T12:00:00Z');
    const until = new Date('2126-01-31T12:00:00Z');
    const first = await attach({ code: 'flash25', percent: 25, validFrom: from, validUntil: until });
    expect(await attach({ code: 'FLASH25', percent: 25 })).toEqual(first);
    await expect(attach({ code: 'FLASH25', percent: 20 })).rejects.toMatchObject({ code: 'promo_code_exists', status: 409 });
    await expect(attach({ code: 'no code', percent: 20 })).rejects.toMatchObject({ code: 'invalid_promo_code', status: 400 });
    const { data } = await app.api().GET('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: first.promoId } } });
    expect(data).toMatchObject({ code: 'FLASH25', type: 'percentage', value: 25, valid_from: from.toISOString(), valid_until: until.toISOString() });
    expect(await inTenant((tx) => app.nest.get(Promos).codesOf(tx, tenant, [first.promoId, 'promo_none']))).toEqual(new Map([[first.promoId, 'FLASH25']]));
  });

  test('many campaigns that want one new code at once share one promo', async () => {
    const attached = await Promise.all(Array.from({ length: 8 }, () => attach({ code: 'SHARED', percent: 10 })));
    expect(new Set(attached.map(({ promoId }) => promoId)).size).toBe(1);
  });

  test('a redemption and its rollback are told in their own transaction, a refused one is not', async () => {
    const jobs = app.nest.get(Jobs);
    for (const event of [PROMO_REDEEMED, PROMO_ROLLED_BACK]) {
      jobs.subscribe(event, 'test', async () => undefined);
      await jobs.boss.createQueue(`${event.name}-to-test`);
    }
    const told = (name: string) => app.sql<{ data: { data: object } }>(`SELECT data FROM pgboss.job WHERE name = $1 AND data->'tenant'->>'name' = $2 ORDER BY created_on`, [`${name}-to-test`, tenant.name]);
    const { promoId } = await attach({ code: 'TOLD', percent: 10 });
    const { id } = await redeem('TOLD', 'order_told', 'guest');
    await redeem('TOLD', 'order_told', 'guest'); // already_redeemed_for_order
    const redeemed = await told('promo.redeemed');
    expect(redeemed).toHaveLength(1);
    expect(redeemed[0]!.data.data).toMatchObject({ redemption_id: id, promo_id: promoId, order_id: 'order_told', order_total: 1800, customer_no: expect.any(Number) as number });
    for (const _ of [1, 2]) await app.api().POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: id } } });
    expect((await told('promo.rolled_back')).map(({ data }) => data.data)).toEqual([{ redemption_id: id, promo_id: promoId, order_id: 'order_told' }]);
  });

  test('a person’s redemptions are on the timeline and in the export, and are nobody’s after erasure', async () => {
    await attach({ code: 'PERSONAL', percent: 50 });
    const { id } = await redeem('PERSONAL', 'order_p1', 'person');
    const [{ no } = { no: 0 }] = await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 AND customer_id = $2', [tenant.id, 'person']);
    const source = app.nest.get(PersonalData).sources.find(({ name }) => name === 'redemptions')!;
    const data = { id, code: 'PERSONAL', order_id: 'order_p1', status: 'redeemed', discount_amount: 10 };
    expect(await inTenant((tx) => source.timelines.redemption!(tx, tenant, no, 10, { at: null, key: null }))).toEqual([{ at: expect.any(Date) as Date, key: expect.any(String) as string, data }]);
    expect(await inTenant((tx) => source.export(tx, tenant, no))).toMatchObject([data]);
    await inTenant((tx) => source.erase(tx, tenant, no));
    expect(await inTenant((tx) => source.export(tx, tenant, no))).toEqual([]);
    const { data: left } = await app.api().GET('/api/v1/marketing/promos/redemptions/{redemption_id}', { params: { path: { redemption_id: id } } });
    expect(left).toMatchObject({ id, customer_id: null, discount_amount: 10 });
    const { data: back } = await app.api().POST('/api/v1/marketing/promos/redemptions/{redemption_id}/rollback', { params: { path: { redemption_id: id } } });
    expect(back).toMatchObject({ status: 'rolled_back' });
  });

  test('a segment that a promo is for stays', async () => {
    const { data: segment } = await app.api().POST('/api/v1/marketing/segments', { body: { name: 'Promo only', type: 'static' } });
    const { data: promo } = await app.api().POST('/api/v1/marketing/promos', { body: { code: 'KEEPSEG', type: 'percentage', value: 5, customer_segment_id: segment!.id } });
    const drop = () => app.api().DELETE('/api/v1/marketing/segments/{segment_id}', { params: { path: { segment_id: segment!.id } } });
    expect((await drop()).response.status).toBe(409);
    await app.api().POST('/api/v1/marketing/promos/{promo_id}/archive', { params: { path: { promo_id: promo!.id } } });
    expect((await drop()).response.status).toBe(204);
  });
});

import fc from 'fast-check';
import { payloadOf } from './payload.js';

const AT = new Date('2026-01-24T18:30:00Z');
const parsed = (text: string | null): { type: string; timestamp: string; data: Record<string, unknown> } => JSON.parse(text!) as never;

describe('what is posted', () => {
  test('names everybody who is still somebody, each with their own entry, and nobody else', () => {
    const people = fc.uniqueArray(fc.record({ no: fc.integer({ min: 1 }), id: fc.string({ minLength: 1 }), gone: fc.boolean() }), { selector: ({ no }) => no, minLength: 1 });
    fc.assert(
      fc.property(people, (all) => {
        const ids = new Map(all.flatMap(({ no, id, gone }) => (gone ? [] : [[no, id]])));
        const body = payloadOf({ type: 'customer.unsubscribed', occurred_at: AT, data: { customers: all.map(({ no }) => ({ mark: no })) }, customer_nos: all.map(({ no }) => no) }, ids);
        const left = all.filter(({ gone }) => !gone).map(({ no, id }) => ({ customer_id: id, mark: no }));
        void expect(body === null ? [] : parsed(body).data.customers).toEqual(left);
      }),
    );
  });

  test('of one person: without them null stands there, and the rest is told', () => {
    const message = { type: 'promo.redeemed', occurred_at: AT, data: { redemption_id: 'red_1', customer_id: null }, customer_nos: [7] } as const;
    expect(parsed(payloadOf(message, new Map([[7, 'guest']])))).toEqual({ type: 'promo.redeemed', timestamp: '2026-01-24T18:30:00.000Z', data: { redemption_id: 'red_1', customer_id: 'guest' } });
    expect(parsed(payloadOf(message, new Map())).data).toEqual({ redemption_id: 'red_1', customer_id: null });
  });

  test('of nobody: as it is', () => {
    expect(parsed(payloadOf({ type: 'campaign.started', occurred_at: AT, data: { campaign_id: 'camp_1' }, customer_nos: [] }, new Map())).data).toEqual({ campaign_id: 'camp_1' });
  });
});

import { CriteriaFields } from './criteria-fields.js';
import { parseCriteria } from './criteria.parse.js';

const fields = new CriteriaFields();
fields.contributeEvents({ orderPaths: [{ path: 'order.total', label: 'Total', type: 'money', description: '' }], types: [], typesOf: () => '', select: () => '' });

const codes = (json: unknown, currency = 'USD') => parseCriteria(json, '/criteria', { fields, currency }).faults.map(({ pointer, code }) => `${pointer} ${code}`);
const nested = (depth: number): object => (depth === 1 ? { city: 'Rome' } : { not: nested(depth - 1) });
const leaves = (count: number) => ({ any: Array.from({ length: count }, () => ({ city: 'Rome' })) });
const events = (count: number) => ({ any: Array.from({ length: count }, () => ({ event: { name: 'menu_viewed' } })) });
const values = (count: number) => ({ loyalty_points: { in: Array.from({ length: count }, (_, at) => at) } });
const manyLists = (count: number) => ({ any: Array.from({ length: count }, () => values(500)) });
const phones = (count: number) => ({ phone: { in: Array.from({ length: count }, (_, at) => `+1415555${2000 + at}`) } });

describe('limits of criteria', () => {
  test.each([
    ['five levels', nested(5), nested(6), '/criteria/not/not/not/not/not too_deep'],
    ['fifty conditions', leaves(50), leaves(51), '/criteria too_many_conditions'],
    ['five event conditions', events(5), events(6), '/criteria too_many_events'],
    ['five hundred values', values(500), values(501), '/criteria/loyalty_points/in too_many_values'],
    ['two thousand values in all lists', manyLists(4), manyLists(5), '/criteria too_many_values'],
    ['five hundred phone numbers', phones(500), { all: [phones(500), phones(1)] }, '/criteria too_many_values'],
    ['16 KiB', { city: 'x'.repeat(16_000) }, { city: 'x'.repeat(16_384) }, '/criteria too_large'],
  ])('%s, and not one more', (_, within, beyond, fault) => {
    expect(codes(within)).toEqual([]);
    expect(codes(beyond)).toEqual([fault]);
  });
});

describe('what is hopeless is not read to its end', () => {
  test('a hundred faults are told, and nothing behind them is looked at', () => {
    expect(codes({ any: Array.from({ length: 99 }, () => ({})) })).toHaveLength(99);
    let looked = 0;
    const find = () => void looked++;
    const { criteria, faults } = parseCriteria(Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`f${at}`, 1])), '/criteria', { fields: { find: find, events: null }, currency: 'USD' });
    expect([criteria, faults.length, looked]).toEqual([null, 100, 100]);
  });

  test('nor is anything behind the first condition too many', () => {
    const { any } = leaves(51);
    expect(codes({ any: [{ nonsense: 1 }, ...any, { nonsense: 1 }] })).toEqual(['/criteria/any/0/nonsense unknown_field', '/criteria too_many_conditions']);
  });
});

describe('names that come from outside', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'c.customer_no', 'attributes.', "city' OR '1'='1"])('%s is no field', (name) => {
    expect(codes(JSON.parse(`{${JSON.stringify(name)}: "x"}`))).toEqual([expect.stringMatching(/ unknown_field$/)]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'OR 1=1'])('%s is no operator', (name) => {
    expect(codes(JSON.parse(`{"city": {${JSON.stringify(name)}: "x"}}`))).toEqual([expect.stringMatching(/ unknown_operator$/)]);
  });

  test('a unit or a root of a path that only Object knows is none', () => {
    expect(codes({ event: { name: 'x', within: { last: 1, unit: 'constructor' } } })).toEqual(['/criteria/event/within/unit invalid_value']);
    expect(codes({ event: { name: 'x', where: { 'order.constructor': 1, 'e.type': 1 } } })).toHaveLength(2);
  });
});

test.each([
  [{ total_spent: { gte: 9.99 } }, 'USD', true],
  [{ total_spent: { gte: 9.999 } }, 'USD', false],
  [{ total_spent: { gte: 9.999 } }, 'KWD', true],
  [{ total_spent: { gte: 9.5 } }, 'JPY', false],
  [{ birthday: '2026-02-30' }, 'USD', false],
  [{ last_order_at: { gte: '2026-01-31' } }, 'USD', false],
  [{ last_order_days_ago: { gte: -1 } }, 'USD', false],
  [{ city: null }, 'USD', false],
  [{ email: 'no address' }, 'USD', false],
  [{ phone: { in: ['0612345678'] } }, 'USD', false],
  [{ phone: { contains: ' - ' } }, 'USD', false],
])('%j in %s: %s', (json, currency, accepted) => {
  expect(codes(json, currency).length === 0).toBe(accepted);
});

import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';

const PREVIEW = '/api/v1/marketing/segments/preview';
const MAX_BODY = 64 * 1024;

const one = <T>(...values: T[]) => fc.constantFrom(...values);

/** Words that mean something to SQL, to jsonpath, to LIKE, to JavaScript; and the language's own, where they do not belong. */
const word = fc.oneof(
  one(
    "'; DROP TABLE customers; --", "' OR '1'='1", '") OR TRUE --', '$1', '${1}', '\\', '\\u0041', '"', "it's", '%', '_', '*', '**', '$', '@', '$.*', '?(@ > 1)', '[*]', 'strict $', 'c.customer_no', 'pg_sleep(10)',
    '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '', ' ', '\t', '\u202e', '\u2028', 'ﷺ', '👩‍👩‍👧', 'İ', 'ß', '\u0007', '0', '-1', '1e999', 'NaN', 'Infinity', 'null', 'true', '0x10', '１',
    '0000-01-01', '0001-01-01', '9999-12-31', '2026-02-30', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999-18:00', '2026-01-01T24:00:00Z', '+262142-01-01T00:00:00Z', 'infinity', 'epoch', 'today', 'all', 'any', 'not', 'event', 'segment',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed() && !text.includes('\0')),
);
const number = fc.oneof(one(0, -0, 1, -1, 0.005, 1e-300, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, -(2 ** 63), 36_500, 36_501, 100, 100.01), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const scalar = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const list = fc.oneof(fc.array(scalar, { maxLength: 4 }), one(500, 501, 6_000).map((length) => Array.from({ length }, (_, at) => at)), fc.constant([[[]]]));

const FIELDS = [
  'customer_id', 'email', 'phone', 'city', 'locale', 'birthday', 'loyalty_points', 'tags', 'consent.email', 'order_count', 'total_spent', 'average_order_value', 'last_order_at', 'last_order_days_ago', 'overdue_ratio',
  'created_at', 'attributes.dish', 'campaign.opened', 'campaign.converted',
];
const OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'nin', 'contains', 'starts_with', 'exists', 'in_next_days'];

/** An object with any keys whatever, `__proto__` as one of its own. */
const object = (key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) => fc.array(fc.tuple(key, value), { maxLength: 3 }).map((members) => Object.fromEntries(members));

const name = fc.oneof({ weight: 5, arbitrary: one(...FIELDS) }, { weight: 1, arbitrary: word }, { weight: 1, arbitrary: word.map((text) => `attributes.${text}`) });
const tested = fc.oneof(scalar, list, object(fc.oneof({ weight: 6, arbitrary: one(...OPERATORS) }, { weight: 1, arbitrary: word }), fc.oneof(scalar, list)));
const path = fc.oneof(one('order.total', 'order.items.product_id', 'order.nope', 'properties', 'order'), word.map((text) => `properties.${text}`), word.map((text) => `order.items.${text}`), word);
const event = fc.record({
  name: fc.oneof(one('order_completed', 'menu_viewed'), scalar), where: fc.oneof(object(path, tested), scalar), count: tested,
  within: fc.oneof(fc.record({ last: number, unit: fc.oneof(one('day', 'hour'), word) }), scalar),
}, { requiredKeys: [] });
/** Odd, and yet of the right type: what reaches SQL. */
const texts = fc.oneof(fc.record({ eq: word, ne: word, contains: word, starts_with: word, in: fc.array(word, { minLength: 1, maxLength: 4 }) }, { requiredKeys: [] }), word);
const numbers = fc.record({ eq: number, gt: number, lte: number, in: fc.array(number, { minLength: 1, maxLength: 4 }), between: fc.tuple(number, number) }, { requiredKeys: [] });
const likely = fc.oneof(
  fc.tuple(one('customer_id', 'city', 'locale', 'tags', 'campaign.opened'), fc.oneof(texts, word)), fc.tuple(word.map((text) => `attributes.${text}`), fc.oneof(texts, numbers, scalar)),
  fc.tuple(one('loyalty_points', 'order_count', 'total_spent', 'average_order_value', 'last_order_days_ago', 'overdue_ratio'), fc.oneof(numbers, number)), fc.tuple(one('birthday', 'created_at', 'last_order_at'), word),
  fc.tuple(fc.constant('event'), fc.record({ name: word, where: fc.oneof(word.map((text) => `properties.${text}`), word.map((text) => `order.items.${text}`)).chain((at) => fc.oneof(texts, numbers).map((test) => ({ [at]: test }))) })),
).map(([field, test]) => ({ [field]: test }));

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof({ maxDepth: 8, depthSize: 'large' }, { weight: 6, arbitrary: likely },
    object(name, tested), fc.record({ event: fc.oneof(event, scalar) }), fc.record({ segment: fc.oneof(scalar, object(one('in', 'nin'), fc.oneof(list, fc.constant(['seg_all_customers'])))) }),
    fc.record({ all: fc.oneof(fc.array(tie('tree'), { maxLength: 4 }), tie('tree')) }), fc.record({ any: fc.array(tie('tree'), { maxLength: 4 }) }), fc.record({ not: tie('tree') }), scalar),
}));

describe('hostile criteria', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    await addCustomers(app, [{ id: 'ada', city: 'Rome', tags: ['vip'], attributes: { dish: 'margherita' }, orders: { count: 1, spent: 100, ago: 0 } }]);
  });
  afterAll(() => app.close());

  const ask = async (body: string) => {
    const response = await app.fetch(PREVIEW, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return { status: response.status, answer: (await response.json()) as { code?: string; errors?: { pointer: string }[]; size?: number } };
  };

  test('are answered or refused, with where and why, and nothing fails', async () => {
    const seen = { answered: 0, refused: 0 };
    await fc.assert(fc.asyncProperty(tree, async (criteria) => {
      const body = JSON.stringify({ criteria });
      const { status, answer } = await ask(body);
      if (status === 200) return void seen.answered++;
      seen.refused++;
      if (Buffer.byteLength(body) > MAX_BODY) return void expect([status, answer.code]).toEqual([413, 'payload_too_large']);
      expect(['invalid_segment_criteria', 'validation_failed']).toContain(answer.code);
      expect(status).toBe(400);
      expect(answer.errors!.length).toBeGreaterThan(0);
      expect(answer.errors!.length).toBeLessThanOrEqual(100);
      for (const { pointer } of answer.errors!) expect(pointer).toMatch(/^\/criteria/);
    }), { numRuns: Number(process.env.HOSTILE_RUNS ?? 500) });
    expect(Math.min(seen.answered, seen.refused)).toBeGreaterThan(50);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await ask(JSON.stringify({ criteria: { city: 'Rome' } }))).answer.size).toBe(1); // the table is still there
  }, 300_000);

  test.each([
    ['deep', `{"criteria":${'{"not":'.repeat(6)}{"city":"Rome"}${'}'.repeat(6)}}`, 'invalid_segment_criteria'],
    ['deeper than JSON may be', `{"criteria":${'{"not":'.repeat(2_000)}{"city":"Rome"}${'}'.repeat(2_000)}}`, 'validation_failed'],
    ['wide', JSON.stringify({ criteria: { any: Array.from({ length: 400 }, () => ({ city: 'Rome' })) } }), 'invalid_segment_criteria'],
    ['wider', JSON.stringify({ criteria: { any: Array.from({ length: 2_000 }, () => ({ city: 'Rome' })) } }), 'validation_failed'],
    ['of 5,000 unknown fields', JSON.stringify({ criteria: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`f${at}`, 1])) }), 'validation_failed'],
    ['of 100,000 values', JSON.stringify({ criteria: { loyalty_points: { in: Array.from({ length: 100_000 }, (_, at) => at) } } }), 'payload_too_large'],
    ['of 6,000 faults', JSON.stringify({ criteria: { loyalty_points: { in: Array.from({ length: 6_000 }, () => '') } } }), 'invalid_segment_criteria'],
    ['with __proto__', '{"criteria":{"__proto__":{"city":"Rome"},"city":"Rome"}}', 'invalid_segment_criteria'],
    ['with a constructor', '{"criteria":{"constructor":{"prototype":{"polluted":1}}}}', 'invalid_segment_criteria'],
    ['with U+0000', '{"criteria":{"city":"\\u0000"}}', 'invalid_segment_criteria'],
    ['with a number that is none', '{"criteria":{"loyalty_points":1e999}}', 'invalid_segment_criteria'],
  ])('%s are refused', async (_, body, code) => {
    expect(await ask(body)).toMatchObject({ status: code === 'payload_too_large' ? 413 : 400, answer: { code } });
  });

  test('what nobody can keep within criteria is one of their faults, with all others, and wins over those of the rest', async () => {
    const faults = async (body: string, path = PREVIEW) => {
      const response = await app.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': body.slice(0, 99) }, body });
      const { code, errors } = (await response.json()) as { code: string; errors: { pointer: string; code: string }[] };
      return [response.status, code, ...errors.map((one) => `${one.pointer} ${one.code}`).sort()];
    };
    expect(await faults('{"criteria":{"city":"\\u0000","order_count":"x","segment":{"in":["seg_\\u0000","seg_none"]},"campaign.opened":"camp_\\u0000","__proto__":1}}')).toEqual([
      400, 'invalid_segment_criteria', '/criteria/__proto__ unknown_field', '/criteria/campaign.opened null_character', '/criteria/city null_character', '/criteria/order_count invalid_value',
      '/criteria/segment/in/0 null_character', '/criteria/segment/in/1 unknown_segment',
    ]);
    const deep = `${'{"not":'.repeat(30)}{"city":"Rome"}${'}'.repeat(30)}`;
    expect(await faults(`{"criteria":${deep}}`)).toEqual([400, 'invalid_segment_criteria', `/criteria${'/not'.repeat(5)} too_deep`]);
    expect(await faults('{"criteria":{"city":"\\ud800"},"breakdown":["email"],"more":1}')).toEqual([400, 'invalid_segment_criteria', '/criteria/city lone_surrogate', '/more unknown_property']);
    expect(await faults('{"criteria":{"nonsense":1},"breakdown":["\\u0000"]}')).toEqual([400, 'invalid_segment_criteria', '/breakdown/0 null_character', '/criteria/nonsense unknown_field']);
    // Whose criteria are as they should be has another fault.
    for (const body of ['{"criteria":{"city":"Rome"},"breakdown":["\\u0000"]}', '{"criteria":{"city":"Rome"},"__proto__":{"criteria":1}}']) expect((await faults(body))[1]).toBe('validation_failed');
    const SEGMENTS = '/api/v1/marketing/segments';
    expect(await faults('{"name":"","type":"dynamic","criteria":{"city":"\\u0000"}}', SEGMENTS)).toEqual([400, 'invalid_segment_criteria', '/criteria/city null_character', '/name min_length']);
    expect(await faults('{"name":"a\\u0000","type":"static"}', SEGMENTS)).toEqual([400, 'validation_failed', '/name null_character']);
    expect(await faults('"\\u0000"', SEGMENTS)).toEqual([400, 'validation_failed', ' null_character']);
    expect(({} as { criteria?: unknown }).criteria).toBeUndefined();
  });

  test('a path into an event is taken letter by letter', async () => {
    const at = app.clock.now().toISOString();
    const properties = { '*': 'star', '"quoted"': 'quote', '$': 'dollar', 'a[0]': 'index', 'back\\slash': 'slash', plain: 'plain', '?(@ > 0)': 'filter', 'ﷺ': 'unicode' };
    await app.api().POST('/api/v1/marketing/events', { body: { events: [{ id: 'e1', type: 'menu_viewed', customer_id: 'ada', occurred_at: at, properties }] as never } });
    const size = async (path: string, value: string) => (await ask(JSON.stringify({ criteria: { event: { name: 'menu_viewed', where: { [`properties.${path}`]: value } } } }))).answer.size;
    for (const [path, value] of Object.entries(properties)) {
      expect([path, await size(path, value), await size(path, 'plain')]).toEqual([path, 1, path === 'plain' ? 1 : 0]);
    }
  });
});

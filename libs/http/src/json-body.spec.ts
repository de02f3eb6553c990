import fc from 'fast-check';
import { RequestError } from '#kernel';
import { MAX_DEPTH, parseJson, Unstorable } from './json-body.js';

const codeOf = (body: string | Buffer): string | undefined => {
  try {
    parseJson(Buffer.from(body as string));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return (error as RequestError).context.errors![0]!.code;
  }
};

describe('a JSON body', () => {
  test('what is no JSON is not quoted: it may be a credential', () => {
    let told = '';
    try {
      parseJson(Buffer.from('{"auth_token":hunter2hunter2}'));
    } catch (error) {
      told = (error as RequestError).message;
    }
    expect(told).toBe("The body is not JSON: Unexpected token 'h'");
  });

  test('what JSON can spell and PostgreSQL can store comes through', () => {
    const storable = fc.jsonValue({ maxDepth: 5 }).filter((value) => !/\\u0000|\\ud[89a-f]|__proto__|"constructor"/i.test(JSON.stringify(value)));
    fc.assert(fc.property(storable, (value) => void expect(parseJson(Buffer.from(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)))));
  });

  test('any bytes at all give a value or a RequestError', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void codeOf(Buffer.from(bytes))));
  });

  test.each([
    ['broken JSON', '{"a":', 'not_json'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not_utf8'],
    ['a number beyond a double', '{"a":1e400}', 'out_of_range'],
    ['U+0000', '{"a":"x\\u0000"}', 'null_character'],
    ['U+0000 in a key', '{"x\\u0000":1}', 'forbidden_key'],
    ['half a surrogate pair', '["\\ud800"]', 'lone_surrogate'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden_key'],
    ['21 levels', '['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1), 'too_deep'],
    ['a million brackets', '['.repeat(1_000_000), 'not_json'],
  ])('%s is refused', (_, body, code) => expect(codeOf(body)).toBe(code));

  test('of a batch only the items are set apart that are not storable, with pointers into them', () => {
    const parse = (body: string) => parseJson(Buffer.from(body), { batch: 'items' }) as { items: unknown[] };
    const { items } = parse('{"items":[{"a":1},{"b":{"__proto__":1,"x\\u0000":"\\ud800"}},"\\u0000"]}');
    expect(items[0]).toEqual({ a: 1 });
    expect(items.slice(1)).toEqual([expect.any(Unstorable), expect.any(Unstorable)]);
    const faults = items.slice(1).map((item) => (item as Unstorable).faults.map(({ pointer, code }) => [pointer, code]));
    expect(faults).toEqual([[['/b/__proto__', 'forbidden_key'], ['/b/x\ufffd', 'forbidden_key']], [['', 'null_character']]]);
    const deep = (levels: number): string => `{"items":[${'['.repeat(levels)}${']'.repeat(levels)}]}`;
    expect(parse(deep(MAX_DEPTH - 2)).items[0]).toBeInstanceOf(Array);
    expect(parse(deep(MAX_DEPTH - 1)).items[0]).toMatchObject({ faults: [{ code: 'too_deep' }] });
    for (const body of ['{"items":["\\u0000"],"other":"\\u0000"}', `{"items":[${'"\\u0000",'.repeat(1001)}1]}`, '{"items":{"0":"\\u0000"}}', '["\\u0000"]']) expect(() => parse(body)).toThrow(RequestError);
  });

  test('a route that judges such bodies gets them, with all that is wrong; printed, they tell no more than that', () => {
    const parse = (body: string) => parseJson(Buffer.from(body), { whole: true });
    expect(parse('{"a":1}')).toEqual({ a: 1 });
    const given = parse('{"a":"\\u0000","b":1e400}') as Unstorable;
    expect(given).toBeInstanceOf(Unstorable);
    expect(given.faults.map(({ pointer, code }) => [pointer, code])).toEqual([['/a', 'null_character'], ['/b', 'out_of_range']]);
    expect(given.value).toEqual({ a: '\u0000', b: Infinity });
    expect(JSON.parse(JSON.stringify(given))).toEqual({ faults: given.faults, body: given.body });
    expect(() => parse('{')).toThrow(RequestError);
  });

  test('20 levels pass, and an empty body is no body', () => {
    expect(codeOf('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH))).toBeUndefined();
    expect(parseJson(Buffer.alloc(0))).toBeUndefined();
  });

  test.each([
    ['{"a":[{},[]],"b":"{[:\\"{[:"}', 6],
    ['[1,2,3,"\\\\",{"a":1}]', 3],
    ['"::::::"', 0],
  ])('%s has its parts counted, whatever stands in texts', (body, parts) => {
    expect(parseJson(Buffer.from(body), { mostParts: parts })).toEqual(JSON.parse(body));
    if (parts > 0) expect(() => parseJson(Buffer.from(body), { mostParts: parts - 1 })).toThrow(RequestError);
  });
});

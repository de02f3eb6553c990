import { pointerToken } from '#kernel';
import { DOCUMENT } from './operations.js';

type Json = Record<string, unknown> | unknown[] | string | number | boolean | null;

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** A place in a body: its RFC 6901 pointer, what the example has there, and what the document says of it. */
export interface Place {
  pointer: string;
  value: unknown;
  schema: Schema;
}

const resolve = (schema: Schema | undefined): Schema =>
  schema?.$ref === undefined ? (schema ?? {}) : resolve(DOCUMENT.components.schemas[schema.$ref.split('/').at(-1)!] as Schema);

/** Every member of the body, and the body itself first. */
export function places(value: unknown, schema: Schema | undefined, pointer = ''): Place[] {
  const known = resolve(schema);
  const here = { pointer, value, schema: known };
  if (typeof value !== 'object' || value === null) return [here];
  const inner = (key: string): Schema | undefined => (Array.isArray(value) ? known.items : known.properties?.[key]);
  return [here, ...Object.entries(value).flatMap(([key, child]) => places(child, inner(key), `${pointer}/${pointerToken(key)}`))];
}

/** Every member that the document knows of the body's objects, also those that the example leaves out. */
export const knownMembers = (body: unknown, schema: Schema | undefined): Place[] =>
  places(body, schema).flatMap((place) => {
    if (typeof place.value !== 'object' || place.value === null || Array.isArray(place.value)) return [];
    return Object.entries(place.schema.properties ?? {}).map(([name, member]) => ({ pointer: `${place.pointer}/${pointerToken(name)}`, value: undefined, schema: resolve(member) }));
  });

/** Whether the document lets the place be null; what it leaves open may be. */
export function isNullable({ type, anyOf, oneOf, enum: values }: Schema): boolean {
  const kinds = [...(anyOf ?? []), ...(oneOf ?? [])];
  if (kinds.length > 0) return kinds.some((kind) => isNullable(resolve(kind)));
  return values?.includes(null) ?? (type === undefined || [type].flat().includes('null'));
}

/** The body with something else at the pointer. */
export function replaced(body: unknown, pointer: string, value: unknown): unknown {
  if (pointer === '') return value;
  const copy = structuredClone(body) as Record<string, unknown>;
  const steps = pointer.slice(1).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  let parent = copy;
  for (const step of steps.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
  parent[steps.at(-1)!] = value;
  return copy;
}

/** A value that cannot be right at the place, by its documented type; undefined where the document leaves the type open. */
export function wrongType({ schema }: Place): Json | undefined {
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  if (types.length !== 1) return undefined;
  const wrong: Record<string, Json> = { string: { not: 'text' }, number: 'a lot', integer: 1.5, boolean: 'maybe', array: { not: 'a list' }, object: 'not an object' };
  return wrong[types[0]!];
}

/** The object with more members, as the JSON text that they are. */
export function withMembers(body: unknown, members: string): string {
  const json = JSON.stringify(body);
  return `${json.slice(0, -1)}${json === '{}' ? '' : ','}${members}}`;
}

// Written once: to write what has no end for each route anew took longer than to refuse it.
const PADDING = `"padding":"${'x'.repeat(6 * 1024 * 1024)}"`;
const MANY_MEMBERS = Array.from({ length: 60_000 }, (_, at) => `"x${at}":1`).join();
const LONG_LIST = JSON.stringify(Array.from({ length: 80_000 }, (_, at) => `x${at}`));

/** The object, with more bytes than any route reads. */
export const tooLarge = (body: unknown): string => withMembers(body, PADDING);

/** The object, with a long list in the place of each that `pointers` name, and with members that nobody knows. */
export const withoutEnd = (body: unknown, pointers: readonly string[]): string[] => [
  ...pointers.map((pointer) => JSON.stringify(replaced(body, pointer, 'a long list')).replace('"a long list"', () => LONG_LIST)),
  withMembers(body, MANY_MEMBERS),
];

/** Bodies that no route takes, as the bytes on the wire, made from one that is right. */
export function unreadable(body: unknown): Record<string, string | Buffer> {
  const json = JSON.stringify(body);
  const withMember = (member: string): string => withMembers(body, member);
  return {
    'cut off': json.slice(0, -1),
    'something after it': `${json} x`,
    'a comment': `/* hello */ ${json}`,
    'single quotes': "{'a': 1}",
    'not UTF-8': Buffer.from(withMember('"a":"\xff\xfe"'), 'latin1'),
    'UTF-16': Buffer.from(json, 'utf16le'),
    __proto__: withMember('"__proto__":{"polluted":true}'),
    'an escaped __proto__': withMember('"\\u005f_proto__":{"polluted":true}'),
    constructor: withMember('"constructor":{"prototype":{"polluted":true}}'),
    'a deep list': withMember(`"a":${'['.repeat(30)}${']'.repeat(30)}`),
    'a very deep object': withMember(`"a":${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`),
    'U+0000': withMember('"a":"\\u0000"'),
    'U+0000 in a key': withMember('"a\\u0000b":1'),
    'a lone surrogate': withMember('"a":"\\ud800"'),
    'a number beyond a double': withMember('"a":1e400'),
    NaN: withMember('"a":NaN'),
    'a list': `[${json}]`,
    'a text': '"text"',
    'a number': '7',
    null: 'null',
    true: 'true',
  };
}

import type { OpenAPIObject } from '@nestjs/swagger';
import { isObject } from '#kernel';

/**
 * Converts the generator's OpenAPI 3.0, which cannot express a nullable reference, to 3.1, whose schemas are JSON Schema 2020-12
 * (https://spec.openapis.org/oas/v3.1.1#schema-object): `nullable` becomes the type `null`, a boolean exclusive bound a number.
 */
export const toOpenApi31 = (document: OpenAPIObject): OpenAPIObject => ({ ...(convert(document) as OpenAPIObject), openapi: '3.1.1' });

/** Members whose values are data, not schemas. */
const DATA = new Set(['example', 'examples', 'default', 'enum', 'value']);

function convert(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(convert);
  if (!isObject(node)) return node;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) out[key] = DATA.has(key) ? value : key === 'properties' && isObject(value) ? convertEach(value) : convert(value);
  if (out.exclusiveMinimum === true) {
    out.exclusiveMinimum = out.minimum;
    delete out.minimum;
  }
  if (out.exclusiveMaximum === true) {
    out.exclusiveMaximum = out.maximum;
    delete out.maximum;
  }
  // The generator wraps a reference that has its own description in `allOf`; in 3.1 they may stand side by side.
  if (Array.isArray(out.allOf) && out.allOf.length === 1 && isObject(out.allOf[0]) && typeof out.allOf[0].$ref === 'string') {
    out.$ref = out.allOf[0].$ref;
    delete out.allOf;
    delete out.type;
  }
  return out.nullable === true ? withNull(out) : out;
}

/** Here the keys are names from a DTO, such as `value`, not words of the specification. */
const convertEach = (schemas: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, convert(schema)]));

function withNull({ nullable: _, ...schema }: Record<string, unknown>): Record<string, unknown> {
  if (typeof schema.$ref === 'string') {
    const { $ref, ...rest } = schema;
    return { ...rest, anyOf: [{ $ref }, { type: 'null' }] };
  }
  if (Array.isArray(schema.oneOf)) return { ...schema, oneOf: [...(schema.oneOf as unknown[]), { type: 'null' }] };
  if (Array.isArray(schema.enum)) schema.enum = [...(schema.enum as unknown[]).filter((one) => one !== null), null];
  return typeof schema.type === 'string' ? { ...schema, type: [schema.type, 'null'] } : schema;
}

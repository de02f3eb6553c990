import { TransformationType } from 'class-transformer';
// What its decorators have recorded, which the package does not export from its root; Nest's mapped types read it here, too.
import { defaultMetadataStorage as recorded } from 'class-transformer/cjs/storage.js';
import type { Type } from '@nestjs/common';
import { isObject } from '#kernel';

/**
 * Input as an instance of its DTO class, by class-transformer's `@Type` and `@Transform`. Members under neither are taken as they are:
 * `plainToInstance` would copy them member by member, in time that grows with the square of their number, so that one body of
 * 1 MiB could keep the process busy for ten seconds.
 */
export function instantiate<T extends object>(type: Type<T>, input: object): T {
  const instance = new type() as Record<string, unknown>;
  for (const [name, given] of Object.entries(input)) {
    let value = as(recorded.findTypeMetadata(type, name)?.typeFunction() as Type<object> | undefined, given);
    for (const { transformFn } of recorded.findTransformMetadatas(type, name, TransformationType.PLAIN_TO_CLASS)) {
      value = transformFn({ value, key: name, obj: input, type: TransformationType.PLAIN_TO_CLASS, options: {} });
    }
    instance[name] = value;
  }
  return instance as T;
}

function as(type: Type<object> | undefined, value: unknown): unknown {
  if (type === undefined || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => as(type, one));
  if ((type as unknown) === Number) return Number(value);
  return isObject(value) ? instantiate(type, value) : value;
}

import { TransformationType } from 'class-transformer';
// class-transformer's metadata, which the package does not export from its root; Nest's mapped types read it from here, too.
import { defaultMetadataStorage as recorded } from 'class-transformer/cjs/storage.js';
import type { Type } from '@nestjs/common';
import { isObject } from '#kernel';
import { rulesOf } from './dto-rules.js';
import { MOST_FAULTS } from './problem.js';

/** How many more unknown members to report. */
interface Patience {
  unknown: number;
}

/**
 * Input as an instance of its DTO class, by class-transformer's `@Type` and `@Transform`. Members with neither are taken as they are:
 * `plainToInstance` would copy them member by member, in time that grows with the square of their number, so that one body of
 * 1 MiB could keep the process busy for ten seconds.
 *
 * Invalid input is taken only as far as refusing it needs: as many unknown members as are reported, and of a list that is too long
 * one element more than allowed. Validating all of a hostile body would hold up everyone else.
 */
export function instantiate<T extends object>(type: Type<T>, input: object, patience: Patience = { unknown: MOST_FAULTS }): T {
  const instance = new type() as Record<string, unknown>;
  const { known, longest } = rulesOf(type);
  for (const name of Object.keys(input)) {
    if (!known.has(name) && --patience.unknown < 0) continue;
    const given = (input as Record<string, unknown>)[name];
    const most = longest.get(name);
    const taken: unknown = most !== undefined && Array.isArray(given) && given.length > most ? given.slice(0, most + 1) : given;
    let value = as(recorded.findTypeMetadata(type, name)?.typeFunction() as Type<object> | undefined, taken, patience);
    for (const { transformFn } of recorded.findTransformMetadatas(type, name, TransformationType.PLAIN_TO_CLASS)) {
      value = transformFn({ value, key: name, obj: input, type: TransformationType.PLAIN_TO_CLASS, options: {} });
    }
    instance[name] = value;
  }
  return instance as T;
}

function as(type: Type<object> | undefined, value: unknown, patience: Patience): unknown {
  if (type === undefined || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => as(type, one, patience));
  if ((type as unknown) === Number) return Number(value);
  return isObject(value) ? instantiate(type, value, patience) : value;
}

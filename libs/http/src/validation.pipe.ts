import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { validate, type ValidationError } from 'class-validator';
import { DomainError, type Fault, isObject, pointerToken, validationFailed } from '#kernel';
import { rulesOf } from './dto-rules.js';
import { instantiate } from './instantiate.js';
import { Unstorable } from './json-body.js';

/** Types that are not DTOs: parameters typed with one pass through. */
const PLAIN: readonly unknown[] = [String, Boolean, Number, Array, Object, Buffer, undefined];

/**
 * What a constraint may carry in class-validator's `context`: the error to raise for this fault instead of `validation_failed`.
 * It takes precedence over every other fault of the body, as the API reference's own codes do.
 */
export interface WinningFault {
  raise: (faults: Fault[]) => DomainError;
}

/** Turns input into its DTO, or refuses it with every fault at once: types, ranges, unknown properties. */
@Injectable()
export class DtoPipe implements PipeTransform {
  async transform(given: unknown, { metatype, type }: ArgumentMetadata): Promise<unknown> {
    if (type === 'custom' || PLAIN.includes(metatype)) return given;
    if (given instanceof Unstorable) throw validationFailed(given.faults);
    const value = given === undefined && type === 'body' ? {} : given; // a body that may be left out
    if (type === 'body' ? !isPlainObject(value) : !isObject(value)) {
      throw validationFailed([{ pointer: '', code: 'is_object', detail: 'The body must be a JSON object.' }]);
    }
    const dto = instantiate(metatype as Type<object>, value as object);
    const errors = await validate(dto, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true, validationError: { target: false, value: false } });
    const { lists, nulls } = type === 'body' ? overlooked(dto) : NOTHING;
    if (errors.length + lists.length + nulls.length === 0) return dto;
    const winners: WinningFault[] = [];
    const told: Fault[] = [];
    for (const error of errors) collect(error, '', type === 'body', told, winners);
    const pointers = new Set(told.map(({ pointer }) => pointer));
    const faults = [...lists, ...outside(told, lists), ...nulls.filter(({ pointer }) => !pointers.has(pointer))];
    throw winners[0] ? winners[0].raise(faults) : validationFailed(faults);
  }
}

/** An object made by the JSON parser. Anything else, such as a stream, would be copied member by member, down to its socket. */
const isPlainObject = (value: unknown): boolean => isObject(value) && Object.getPrototypeOf(value) === Object.prototype;

/** Faults that class-validator overlooks. */
interface Overlooked {
  /** A list where one object should be: class-validator checks each element, and so nothing of an empty list. */
  lists: Fault[];
  /** A null where the document allows none: to class-validator, an optional member may also be null. */
  nulls: Fault[];
}

const NOTHING: Overlooked = { lists: [], nulls: [] };

function overlooked(dto: unknown, pointer = '', found: Overlooked = { lists: [], nulls: [] }): Overlooked {
  if (Array.isArray(dto)) found.lists.push({ pointer, code: 'is_object', detail: `${pointer.slice(pointer.lastIndexOf('/') + 1)} must be an object` });
  else if (dto instanceof Map) for (const [name, value] of dto as Map<string, unknown>) overlooked(value, `${pointer}/${pointerToken(name)}`, found);
  else if (isObject(dto) && !isPlainObject(dto)) lookInto(dto, pointer, found); // a plain object holds no DTO
  return found;
}

function lookInto(dto: Record<string, unknown>, pointer: string, found: Overlooked): void {
  const { known, nested, single, nullable } = rulesOf(dto.constructor);
  for (const name of known) {
    const [value, at] = [dto[name], `${pointer}/${pointerToken(name)}`];
    if (value === null && !nullable.has(name)) found.nulls.push({ pointer: at, code: 'is_not_null', detail: `${name} must not be null` });
    if (!nested.has(name)) continue;
    if (Array.isArray(value) && !single.has(name)) for (const [place, element] of value.entries()) overlooked(element, `${at}/${place}`, found);
    else overlooked(value, at, found);
  }
}

/** Without the faults inside a value that should not be a list at all. */
const outside = (faults: readonly Fault[], lists: readonly Fault[]): Fault[] => faults.filter(({ pointer }) => !lists.some((list) => pointer?.startsWith(`${list.pointer}/`)));

function collect(error: ValidationError, parent: string, inBody: boolean, faults: Fault[], winners: WinningFault[]): void {
  const path = `${parent}/${pointerToken(error.property)}`;
  // Decorators apply from last to first: reversed, a wrong type is reported before the range that it misses for that reason.
  for (const [name, detail] of Object.entries(error.constraints ?? {}).reverse()) {
    const where = inBody ? { pointer: path } : { parameter: error.property };
    faults.push({ ...where, code: name === 'whitelistValidation' ? 'unknown_property' : snake(name), detail });
    const context: unknown = error.contexts?.[name];
    if (isObject(context) && typeof context.raise === 'function') winners.push(context as unknown as WinningFault);
  }
  for (const child of error.children ?? []) collect(child, path, inBody, faults, winners);
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

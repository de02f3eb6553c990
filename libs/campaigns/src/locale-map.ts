import { applyDecorators, type Type } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ValidateBy, ValidateNested } from 'class-validator';
import { instantiate } from '#http';
import { isObject } from '#kernel';

/** Most languages of one content. */
const MOST = 50;

/**
 * Content by language. It is a Map as well as an object: class-validator checks the values of a Map, each under its key, while code that reads or
 * merges the object finds them as members. A language that is null is to be removed, and is not checked.
 */
class ByLocale extends Map<string, unknown> {
  static of(type: Type<object>, given: object): ByLocale {
    const entries = Object.entries(given).slice(0, MOST + 1).map(([tag, value]) => [tag, isObject(value) ? instantiate(type, value) : value] as const);
    return Object.assign(new ByLocale(entries.filter(([, value]) => value !== null)), Object.fromEntries(entries));
  }
}

const isTag = (tag: string): boolean => {
  try {
    return /^[a-z0-9-]{2,35}$/i.test(tag) && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
};

const faultOf = (value: unknown): string | null => {
  if (!(value instanceof ByLocale)) return Array.isArray(value) ? 'must be an object' : null; // anything else is reported by ValidateNested
  const tags = Object.keys(value);
  if (tags.length > MOST) return `must not have more than ${MOST} languages`;
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) return 'must have BCP 47 tags for its names, such as de or pt-BR';
  return new Set(tags.map((tag) => tag.toLowerCase())).size < tags.length ? 'must not name a language twice' : null;
};

/** An object whose names are languages, each value of the type. */
export const LocaleMap = (type: () => Type<object>): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (isObject(value) && !Array.isArray(value) ? ByLocale.of(type(), value) : value)),
    ValidateNested(),
    ValidateBy({ name: 'isLocaleMap', validator: { validate: (value) => faultOf(value) === null, defaultMessage: (about) => `$property ${faultOf(about?.value)}` } }),
  );

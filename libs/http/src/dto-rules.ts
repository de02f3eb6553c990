import type { Type } from '@nestjs/common';
import 'reflect-metadata';
import { ARRAY_MAX_SIZE, getMetadataStorage, ValidationTypes } from 'class-validator';

/** What a DTO class's decorators say about its members. */
export interface DtoRules {
  /** The members it has; others are refused. */
  known: ReadonlySet<string>;
  /** Members that hold DTOs, marked with `@ValidateNested()`. */
  nested: ReadonlySet<string>;
  /** Those of them that hold one object, not a list. */
  single: ReadonlySet<string>;
  /** Members that may be null, according to the published document. */
  nullable: ReadonlySet<string>;
  /** The most elements its lists may have. */
  longest: ReadonlyMap<string, number>;
}

/** Where `@ApiProperty` keeps its options, and where the build keeps what it reads from the types. In the document, the former override the latter. */
const TOLD = 'swagger/apiModelProperties';
const TYPED = '_OPENAPI_METADATA_FACTORY';

interface Described {
  nullable?: boolean;
}

const RULES = new Map<unknown, DtoRules>();

export function rulesOf(type: object): DtoRules {
  const kept = RULES.get(type);
  if (kept !== undefined) return kept;
  const all = getMetadataStorage().getTargetValidationMetadatas(type as Type, '', false, false);
  const nested = all.filter((rule) => rule.type === ValidationTypes.NESTED_VALIDATION);
  const rules: DtoRules = {
    known: new Set(all.map(({ propertyName }) => propertyName)),
    nested: new Set(nested.map(({ propertyName }) => propertyName)),
    single: new Set(nested.filter(({ each }) => !each).map(({ propertyName }) => propertyName)),
    nullable: new Set(all.map(({ propertyName }) => propertyName).filter((name) => isNullable(type as Type, name))),
    longest: new Map(all.filter(({ name }) => name === ARRAY_MAX_SIZE).map(({ propertyName, constraints }) => [propertyName, constraints[0] as number])),
  };
  RULES.set(type, rules);
  return rules;
}

function isNullable(type: Type, name: string): boolean {
  const told = Reflect.getMetadata(TOLD, type.prototype as object, name) as Described | undefined;
  for (let at: object | null = type; told?.nullable === undefined && at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const typed = (Object.hasOwn(at, TYPED) ? (at as { [TYPED]: () => Record<string, Described> })[TYPED]() : {})[name];
    if (typed !== undefined) return typed.nullable ?? false;
  }
  return told?.nullable ?? false;
}

import type { Type } from '@nestjs/common';
import { ARRAY_MAX_SIZE, getMetadataStorage, ValidationTypes } from 'class-validator';

/** What class-validator's decorators say of a DTO class as a whole. */
export interface DtoRules {
  /** Members that it has; others are refused. */
  known: ReadonlySet<string>;
  /** Members that hold DTOs: under `@ValidateNested()`. */
  nested: ReadonlySet<string>;
  /** Those of them that are one object, and no list. */
  single: ReadonlySet<string>;
  /** How long its lists may be. */
  longest: ReadonlyMap<string, number>;
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
    longest: new Map(all.filter(({ name }) => name === ARRAY_MAX_SIZE).map(({ propertyName, constraints }) => [propertyName, constraints[0] as number])),
  };
  RULES.set(type, rules);
  return rules;
}

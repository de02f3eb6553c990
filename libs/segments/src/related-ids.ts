import { isObject, pointerToken } from '#kernel';
import type { CriteriaFields } from './criteria-fields.js';
import type { RelationField } from './field.js';

/** An id of something that a higher domain has, such as a campaign, and where it stands. */
export interface RelatedId {
  field: RelationField;
  id: string;
  pointer: string;
}

/** All of those that criteria name, parsed or not: what is wrong with them is told with all other faults. */
export function relatedIds(json: unknown, pointer: string, fields: Pick<CriteriaFields, 'find'>): RelatedId[] {
  if (!isObject(json)) return [];
  return Object.entries(json).flatMap(([name, value]) => {
    const at = `${pointer}/${pointerToken(name)}`;
    if (name === 'not') return relatedIds(value, at, fields);
    if (name === 'all' || name === 'any') return Array.isArray(value) ? value.flatMap((one, index) => relatedIds(one, `${at}/${index}`, fields)) : [];
    const field = fields.find(name);
    return field !== undefined && 'related' in field ? texts(value, at).map((text) => ({ field, ...text })) : [];
  });
}

const texts = (value: unknown, pointer: string): { id: string; pointer: string }[] => {
  if (typeof value === 'string') return [{ id: value, pointer }];
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, one]) => texts(one, `${pointer}/${pointerToken(name)}`)) : [];
};

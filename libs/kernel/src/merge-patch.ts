import { isObject } from './json.js';

/** JSON merge patch (RFC 7396): null removes, an object is merged, anything else replaces. */
export function mergePatch<T extends object>(target: T | null, patch: object): T {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(isObject(merged[key]) ? merged[key] : null, value) : value;
  }
  return merged as T;
}

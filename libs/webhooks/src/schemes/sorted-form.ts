import { formFields, hasTooManyFields } from '../normalisers/form.js';

/** The fields of a form as some providers sign them after the URL: sorted by name, names and values without separators; null if there are too many. */
export function sortedForm(body: Buffer): string | null {
  if (hasTooManyFields(body)) return null;
  const values = formFields(body);
  const written = (name: string): string[] => [...new Set([values[name]!].flat())].sort().map((value) => name + value);
  return Object.keys(values).sort().flatMap(written).join('');
}

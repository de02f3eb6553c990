import { formFields } from '../normalisers/form.js';

/** More fields than any provider posts. Anybody may post: a form of a million of them is not even taken apart. */
const MOST_FIELDS = 1000;

/** The fields of a form as some providers sign them behind the URL: sorted by name, name and value with nothing between; null when they are too many. */
export function sortedForm(body: Buffer): string | null {
  let fields = 1;
  for (const byte of body) if (byte === 0x26 && ++fields > MOST_FIELDS) return null; // &
  const values = formFields(body);
  const written = (name: string): string[] => [...new Set([values[name]!].flat())].sort().map((value) => name + value);
  return Object.keys(values).sort().flatMap(written).join('');
}

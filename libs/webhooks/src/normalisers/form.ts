import { validationFailed } from '#kernel';

/** More fields than any provider posts. */
const MOST_FIELDS = 1000;

const AMPERSAND = 0x26;

/** Checked before parsing, since anybody may post, and parsing takes time that grows with the square of the number of fields. */
export function hasTooManyFields(body: Buffer): boolean {
  let fields = 1;
  for (const byte of body) if (byte === AMPERSAND && ++fields > MOST_FIELDS) return true;
  return false;
}

/**
 * The fields of a form (`application/x-www-form-urlencoded`), decoded; a list where a name occurs more than once.
 *
 * @throws RequestError validation_failed for more than 1,000 fields
 */
export function formFields(body: Buffer): Record<string, string | string[]> {
  if (hasTooManyFields(body)) throw validationFailed([{ pointer: '', code: 'too_large', detail: `A form may hold ${MOST_FIELDS} fields.` }]);
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]));
}

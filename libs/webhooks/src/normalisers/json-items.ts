import { isUtf8 } from 'node:buffer';
import { assertParts, parseJson } from '#http';
import { RequestError, validationFailed } from '#kernel';
import type { Items } from './normaliser.js';

/** More than any provider sends at once; 5 MiB of `{},` would be a million and a half rows. */
const MAX_ITEMS = 10_000;

/** Objects, lists and members together: 25 for each event of the longest list; SendGrid's have 15. The size in bytes does not bound the memory and time that they take. */
const MOST_PARTS = 25 * MAX_ITEMS;

/**
 * The items of a JSON body: the elements of an array, or the body itself.
 *
 * @throws RequestError validation_failed when the body is not JSON in UTF-8, holds more than 250,000 objects, lists and members, or is neither an object nor a list of 1 to 10,000
 */
export function splitJson(body: Buffer): Items {
  assertParts(body, MOST_PARTS);
  const value = parseOrSalvage(body);
  if (!Array.isArray(value)) {
    if (typeof value !== 'object' || value === null) throw malformed('The body must be an event or a list of events.');
    return { items: [value], batch: false };
  }
  if (value.length === 0 || value.length > MAX_ITEMS) throw malformed(`A list must hold 1 to ${MAX_ITEMS} events.`);
  return { items: value, batch: true };
}

/** If only some items of a list are bad, the others are still read. */
function parseOrSalvage(body: Buffer): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    const list = isUtf8(body) ? jsonList(body) : null;
    if (list === null) throw error;
    return list.map(storable);
  }
}

function jsonList(body: Buffer): unknown[] | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return Array.isArray(value) && value.length <= MAX_ITEMS ? value : null;
  } catch {
    return null; // not JSON: the first error is clearer
  }
}

/** The item as JSON that the database can store; undefined if it cannot. */
export function storable(item: unknown): unknown {
  try {
    return parseJson(Buffer.from(JSON.stringify(item)));
  } catch (error) {
    if (error instanceof RequestError || error instanceof RangeError) return undefined; // RangeError: nested beyond the stack
    throw error;
  }
}

const malformed = (detail: string): RequestError => validationFailed([{ pointer: '', code: 'malformed', detail }]);

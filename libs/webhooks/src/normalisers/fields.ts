import { readInstant } from '../instants.js';
import type { ItemFault } from './inbound-event.js';

type Item = Readonly<Record<string, unknown>>;

/** Longer than any link or reason that is useful. */
const LONGEST = 4096;

/** A field of a provider's item as trimmed text; a number is converted. Null if absent, blank, too long, or of another type. */
export function textOf(item: Item, field: string): string | null {
  const value = item[field];
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).trim();
  return text === '' || text.length > LONGEST ? null : text;
}

/** An instant in Unix seconds or milliseconds, or as RFC 3339; null if it is none of these. */
export function instantOf(item: Item, field: string): Date | null {
  const text = textOf(item, field);
  return text === null ? null : readInstant(text);
}

/** The fault of an item that is not an object; an undefined item could not be stored. */
export const noObject = (item: unknown): ItemFault => ({ fault: item === undefined ? 'unreadable' : 'not_an_object', pointer: '', detail: 'An event must be a JSON object.' });

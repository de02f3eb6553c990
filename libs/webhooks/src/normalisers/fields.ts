import { readInstant } from '../instants.js';
import type { ItemFault } from './inbound-event.js';

type Item = Readonly<Record<string, unknown>>;

/** Longer than any link or reason that we have a use for. */
const LONGEST = 4096;

/** A field of a provider's item, trimmed; a number as it is written. Null when it is absent, blank, or nothing that anybody could have meant. */
export function textOf(item: Item, field: string): string | null {
  const value = item[field];
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).trim();
  return text === '' || text.length > LONGEST ? null : text;
}

/** An instant that a provider wrote in Unix seconds or milliseconds, or as RFC 3339; null when it is neither. */
export function instantOf(item: Item, field: string): Date | null {
  const text = textOf(item, field);
  return text === null ? null : readInstant(text);
}

/** An item that is not even an object; one that nobody can keep is undefined. */
export const noObject = (item: unknown): ItemFault => ({ fault: item === undefined ? 'unreadable' : 'not_an_object', pointer: '', detail: 'An event must be a JSON object.' });

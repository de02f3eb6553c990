import type { JsonObject } from '#kernel';
import type { EventName } from './event-types.js';

/** A message as stored: `data` without the people, who are stored by their numbers. */
export interface KeptMessage {
  type: EventName;
  occurred_at: Date;
  /** With at most one list, whose n-th entry is about the n-th person. Without a list, all of it is about the only person. */
  data: JsonObject;
  customer_nos: readonly number[];
}

/**
 * The body to post: `{type, timestamp, data}`, with the people's current ids.
 *
 * @param ids by customer number; people erased meanwhile are missing, and their entries are left out
 * @returns null if no entry is left
 */
export function payloadOf({ type, occurred_at, data, customer_nos }: KeptMessage, ids: ReadonlyMap<number, string>): string | null {
  const named = withNames(data, customer_nos.map((no) => ids.get(no) ?? null));
  return named === null ? null : JSON.stringify({ type, timestamp: occurred_at.toISOString(), data: named });
}

function withNames(data: JsonObject, ids: readonly (string | null)[]): JsonObject | null {
  if (ids.length === 0) return data;
  const list = Object.keys(data).find((member) => Array.isArray(data[member]));
  if (list === undefined) return { ...data, customer_id: ids[0]! };
  const entries = (data[list] as JsonObject[]).flatMap((entry, at) => (ids[at] ? [{ customer_id: ids[at], ...entry }] : []));
  return entries.length === 0 ? null : { ...data, [list]: entries };
}

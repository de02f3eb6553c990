import type { JsonObject } from '#kernel';
import type { EventName } from './event-types.js';

/** A message as it is kept: `data` without the people, of whom only the numbers are. */
export interface KeptMessage {
  type: EventName;
  occurred_at: Date;
  /** With at most one list; the n-th entry is about the n-th of the people. Without a list all of it is about the only one. */
  data: JsonObject;
  customer_nos: readonly number[];
}

/**
 * What is posted: `{type, timestamp, data}`, the people named as they are called now.
 *
 * @param ids who they are; those who were erased meanwhile are nobody, and nothing is told of them
 * @returns null when nobody is left to tell of
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

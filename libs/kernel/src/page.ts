import { RequestError, validationFailed } from './domain-error.js';

/** `page × limit` may not pass this: deeper pages go by cursor, which costs the same at any depth. */
export const MAX_OFFSET = 10_000;

export interface PageMeta {
  page: number | null;
  limit: number;
  total: number;
  total_relation: 'eq' | 'gte';
  has_more: boolean;
  next_cursor: string | null;
}

export interface Paged<T> {
  data: T[];
  meta: PageMeta;
}

export interface PageRequest {
  page?: number;
  limit?: number;
  cursor?: string;
}

/** Where a list starts: either rows to skip, or the sort key of the last row already seen. */
export interface Window<Key extends readonly unknown[]> {
  limit: number;
  page: number | null;
  offset: number;
  after: Key | null;
}

/**
 * Reads page/limit/cursor into a window. A cursor is the base64url of the JSON of the last row's sort key; `isKey` decides
 * whether what came back is one of ours (it crossed the network, so it is input like any other).
 *
 * @throws RequestError page_too_deep, invalid_cursor
 */
export function pageWindow<Key extends readonly unknown[]>(request: PageRequest, isKey: (key: unknown[]) => boolean): Window<Key> {
  const limit = request.limit ?? 20;
  if (request.cursor !== undefined) {
    if (request.page !== undefined) {
      throw validationFailed([{ parameter: 'page', code: 'exclusive', detail: 'Give either page or cursor, not both.' }]);
    }
    return { limit, page: null, offset: 0, after: decodeCursor<Key>(request.cursor, isKey) };
  }
  const page = request.page ?? 1;
  if (page * limit > MAX_OFFSET) throw new RequestError('page_too_deep');
  return { limit, page, offset: (page - 1) * limit, after: null };
}

/**
 * Wraps the rows of a window. Ask the database for `limit + 1` rows: the extra one only says that there is more.
 *
 * @param total how many rows match in all; `gte` in `relation` says that the count stopped there
 */
export function toPage<Row, T>(
  rows: Row[],
  window: Window<readonly unknown[]>,
  total: { count: number; relation: 'eq' | 'gte' },
  map: (row: Row) => T,
  key: (row: Row) => readonly unknown[],
): Paged<T> {
  const shown = rows.slice(0, window.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > window.limit;
  return {
    data: shown.map(map),
    meta: {
      page: window.page,
      limit: window.limit,
      total: total.count,
      total_relation: total.relation,
      has_more: hasMore,
      next_cursor: hasMore && last !== undefined ? encodeCursor(key(last)) : null,
    },
  };
}

export const encodeCursor = (key: readonly unknown[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');

function decodeCursor<Key extends readonly unknown[]>(cursor: string, isKey: (key: unknown[]) => boolean): Key {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && isKey(key)) return key as unknown as Key;
  } catch {
    // not JSON: falls through to the one answer for a foreign cursor
  }
  throw new RequestError('invalid_cursor');
}

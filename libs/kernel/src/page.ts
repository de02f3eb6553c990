import { createHash } from 'node:crypto';
import { RequestError, validationFailed } from './domain-error.js';

/** The largest `page × limit`: deeper pages go by cursor, which costs the same at any depth. */
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

/** Where a page starts: either rows to skip, or the sort key of the last row already seen. */
export interface Window<Key extends readonly unknown[]> {
  limit: number;
  page: number | null;
  offset: number;
  after: Key | null;
  /** Identifies cursors of this list with these filters. */
  mark: string;
}

/**
 * Reads page/limit/cursor into a window. All else in the request is filters. A cursor is only valid for its own list with its own filters: elsewhere
 * it would skip rows that nobody has seen. It need not be secret: the token decides whose rows are read, never the cursor.
 *
 * @param list names the list within a tenant, such as `segments/seg_1/members`
 * @param isKey whether the cursor's content is a sort key of the list: it crossed the network, so it is checked like any other input
 * @throws RequestError page_too_deep, validation_failed
 */
export function pageWindow<Key extends readonly unknown[]>({ page: wanted, limit = 20, cursor, ...filters }: PageRequest, list: string, isKey: (key: unknown[]) => boolean): Window<Key> {
  const mark = markOf(list, filters);
  if (cursor !== undefined) {
    if (wanted !== undefined) {
      throw validationFailed([{ parameter: 'page', code: 'exclusive', detail: 'Give either page or cursor, not both.' }]);
    }
    return { limit, page: null, offset: 0, after: decodeCursor<Key>(cursor, mark, isKey), mark };
  }
  const page = wanted ?? 1;
  if (page * limit > MAX_OFFSET) throw new RequestError('page_too_deep');
  return { limit, page, offset: (page - 1) * limit, after: null, mark };
}

/**
 * Builds a page from the rows of a window. Ask the database for `limit + 1` rows: the extra one only shows that there are more.
 *
 * @param total how many rows match in all; `gte` in `relation` says that counting stopped there
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
      next_cursor: hasMore && last !== undefined ? encodeCursor(window, key(last)) : null,
    },
  };
}

/** Whether it can be compared with an int4 column. */
export const isInt4 = (value: unknown): value is number => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;

/** The list's mark, then the last row's sort key as the base64url of its JSON. */
export const encodeCursor = ({ mark }: Pick<Window<never>, 'mark'>, key: readonly unknown[]): string => mark + Buffer.from(JSON.stringify(key)).toString('base64url');

function decodeCursor<Key extends readonly unknown[]>(cursor: string, mark: string, isKey: (key: unknown[]) => boolean): Key {
  try {
    const key: unknown = cursor.startsWith(mark) && JSON.parse(Buffer.from(cursor.slice(MARK_LENGTH), 'base64url').toString());
    if (Array.isArray(key) && isKey(key)) return key as unknown as Key;
  } catch {
    // not JSON: falls through to the one answer for a foreign cursor
  }
  throw validationFailed([{ parameter: 'cursor', code: 'invalid_cursor', detail: 'The cursor is not one that this list handed out for these filters.' }]);
}

/** 36 bits: enough to detect a mix-up, which is all it is for. */
const MARK_LENGTH = 6;

function markOf(list: string, filters: object): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([list, given])).digest('base64url').slice(0, MARK_LENGTH);
}

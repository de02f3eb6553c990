import { MAX_OFFSET } from '#kernel';

export interface Total {
  count: number;
  relation: 'eq' | 'gte';
}

/**
 * SQL for the kept count of a {@link countedTable}, as one bigint column `total`.
 *
 * @param tenant the placeholder of the tenant's id, such as `$1`
 * @param bucket SQL condition for the wanted buckets; `bucket` is the key columns' texts joined by `/`
 */
export const keptTotal = (table: string, tenant: string, bucket = 'TRUE'): string =>
  `SELECT coalesce(sum(n), 0)::int AS total FROM row_counts WHERE tenant_id = ${tenant} AND relation = '${table}' AND ${bucket}`;

/**
 * SQL that counts what a filter matches, but stops one past the deepest page: nobody can page by number beyond it,
 * and the answer says `gte`.
 *
 * @param matching `FROM … WHERE …` of the list
 */
export const boundedTotal = (matching: string): string =>
  `SELECT count(*)::int AS total FROM (SELECT 1 ${matching} LIMIT ${MAX_OFFSET + 1}) counted`;

/** The result of {@link boundedTotal} as the list's `total`. */
export const readBoundedTotal = (total: number): Total =>
  total > MAX_OFFSET ? { count: MAX_OFFSET, relation: 'gte' } : { count: total, relation: 'eq' };

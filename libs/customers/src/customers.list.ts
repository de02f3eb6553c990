import type { Statement } from '#database';
import { boundedTotal, keptTotal } from '#database';
import type { Tenant, Window } from '#kernel';
import { PROFILE_COLUMNS } from './customers.queries.js';

export interface CustomerFilter {
  q?: string;
  loyalty_tier?: string;
  city?: string;
  tag?: string;
}

export const ROW_COLUMNS = `${PROFILE_COLUMNS}, order_count, total_spent, first_order_at, last_order_at, created_at, updated_at`;

/** What a search text may begin. The columns are compared byte by byte, so each prefix is a range of an index. */
const SEARCHED = ['customer_id', 'email', 'name_search', 'last_name_search', 'phone'] as const;

/** Sorts after every text that begins like this (U+10FFFF is the last code point). */
const after = (prefix: string): string => `${prefix}\u{10FFFF}`;

/** The page and the total of a list, newest customers first. */
export function listStatements(tenant: Tenant, filter: CustomerFilter, window: Window<readonly [number]>): [page: Statement, total: Statement] {
  const values: unknown[] = [tenant.id];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ['tenant_id = $1'];
  if (filter.loyalty_tier !== undefined) where.push(`loyalty_tier = ${bind(filter.loyalty_tier)}`);
  if (filter.city !== undefined) where.push(`city = ${bind(filter.city)}`);
  if (filter.tag !== undefined) where.push(`tags @> ARRAY[${bind(filter.tag)}]`);
  if (filter.q !== undefined) where.push(`customer_no IN (${searched(filter.q, bind)})`);
  const filtered = values.length > 1;
  const matching = `FROM customers WHERE ${where.join(' AND ')}`;
  const total: Statement = { text: filtered ? boundedTotal(matching) : keptTotal('customers', '$1'), values: [...values] };
  const keyset = window.after === null ? '' : ` AND customer_no < ${bind(window.after[0])}`;
  const text = `SELECT ${ROW_COLUMNS} ${matching}${keyset} ORDER BY customer_no DESC LIMIT ${window.limit + 1} OFFSET ${window.offset}`;
  return [{ text, values }, total];
}

function searched(q: string, bind: (value: unknown) => string): string {
  const text = q.trim();
  const prefix: Record<(typeof SEARCHED)[number], string> = {
    customer_id: text,
    email: text.toLowerCase(),
    name_search: text.toLowerCase(),
    last_name_search: text.toLowerCase(),
    phone: /^[+\d\s().-]+$/.test(text) ? `+${text.replace(/\D/g, '')}` : '',
  };
  return SEARCHED.filter((column) => prefix[column].length > (column === 'phone' ? 1 : 0))
    .map((column) => `SELECT customer_no FROM customers WHERE tenant_id = $1 AND ${column} >= ${bind(prefix[column])} AND ${column} < ${bind(after(prefix[column]))}`)
    .join(' UNION ');
}

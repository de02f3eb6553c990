import type { Statement } from '#database';
import type { Tenant } from '#kernel';
import { NORMALISERS } from './normalisers/index.js';
import type { Normaliser } from './normalisers/normaliser.js';

/** The bodies with the ids `$2`, in that order. A body is null if those before it already come to `$3` bytes; so the first never is. */
const BODIES = `
  SELECT id, format, query, taken_apart, signed_at, CASE WHEN upto - size < $3::float8 THEN body END AS body
    FROM (SELECT b.*, octet_length(b.body) AS size, sum(octet_length(b.body)) OVER (ORDER BY wanted.place) AS upto
            FROM unnest($2::text[]) WITH ORDINALITY AS wanted (id, place) JOIN webhook_bodies b ON b.tenant_id = $1 AND b.id = wanted.id) b`;

export interface BodyRow {
  id: string;
  format: string;
  query: string | null;
  taken_apart: boolean;
  signed_at: Date | null;
  body: Buffer | null;
}

/** @param mostBytes how many bytes of bodies one transaction may hold in memory */
export const bodiesOf = (tenant: Tenant, events: readonly { body_id: string }[], mostBytes: number): Statement & { name: string } => ({
  text: BODIES,
  values: [tenant.id, [...new Set(events.map((event) => event.body_id))], mostBytes],
  name: 'webhook_bodies',
});

/** The items of a post, read again from its bytes. */
export interface StoredItems {
  normaliser: Normaliser;
  /** By their position in the body; undefined for those that cannot be stored. */
  items: unknown[];
  /** The signed timestamp: when items without a time of their own happened. */
  signedAt: Date | null;
}

/** Reads a stored body with today's normaliser, which may have been corrected since. Null if it cannot read the body, or no longer exists. */
export function itemsOf({ format, query, taken_apart: takenApart, signed_at: signedAt, body }: BodyRow): StoredItems | null {
  const normaliser = NORMALISERS.get(format);
  if (normaliser === undefined || body === null) return null;
  if (takenApart) return { normaliser, signedAt, items: JSON.parse(body.toString('utf8')) as unknown[] };
  try {
    return { normaliser, signedAt, items: normaliser.split(body, new URLSearchParams(query ?? '')).items };
  } catch {
    return null;
  }
}

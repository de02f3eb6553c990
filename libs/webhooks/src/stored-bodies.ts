import type { Statement } from '#database';
import type { Tenant } from '#kernel';
import { NORMALISERS } from './normalisers/index.js';
import type { Normaliser } from './normalisers/normaliser.js';

/** Bodies of the ids, in their order; null bytes for those beyond the bound, of which the first is never one. */
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

/** @param mostBytes of all bodies together: what one transaction holds in memory */
export const bodiesOf = (tenant: Tenant, events: readonly { body_id: string }[], mostBytes: number): Statement & { name: string } => ({
  text: BODIES,
  values: [tenant.id, [...new Set(events.map((event) => event.body_id))], mostBytes],
  name: 'webhook_bodies',
});

/** What a post held, read again from its bytes. */
export interface StoredItems {
  normaliser: Normaliser;
  /** By their place in the body; nobody could keep those that are undefined. */
  items: unknown[];
  /** The time that was signed with them: of those that say none, when they happened. */
  signedAt: Date | null;
}

/** Reads a stored body by the normaliser as it is today: what it misread before, it may read now. Null when it cannot read it, or no longer exists. */
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

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Hit } from './evidence.js';
import { CLICKS_NEAR, RECORD_HITS, RECOUNT, RECLASSIFY } from './receipt.queries.js';
import { type Click, NEAR_MS, scans } from './scanner.js';

/** A hit as it is stored. */
export type KeptHit = Pick<Hit, 'campaign_no' | 'customer_no' | 'channel' | 'at' | 'machine'>;

/** What storing hits has changed. */
export interface HitsKept {
  /** New hits. */
  added: KeptHit[];
  /** Hits that counted as a person's and turned out to be a scanner's; the first of each message. */
  disowned: KeptHit[];
}

/**
 * Stores hits. Once a visitor turns out to be a scanner, its earlier hits become a machine's as well, also in the ledger. The caller
 * holds the campaign's counters, so that of two simultaneous hits the second sees the first.
 */
export async function keepHits(tx: EntityManager, tenant: Tenant, hits: readonly Hit[]): Promise<HitsKept> {
  if (hits.length === 0) return { added: [], disowned: [] };
  const added = await tx.query<KeptHit[]>(RECORD_HITS, [tenant.id, JSON.stringify(hits)]);
  const clicks = await tx.query<(KeptHit & Click)[]>(CLICKS_NEAR, [tenant.id, JSON.stringify(added), NEAR_MS]);
  const spans = [...Map.groupBy(clicks, messageOf).values()].flatMap((theirs) => scans(theirs).map((span) => ({ ...theirs[0]!, ...span })));
  if (spans.length === 0) return { added, disowned: [] };
  const disowned = await tx.query<KeptHit[]>(RECLASSIFY, [tenant.id, JSON.stringify(spans)]);
  if (disowned.length > 0) await tx.query(RECOUNT, [tenant.id, JSON.stringify(disowned)]);
  return { added, disowned };
}

const messageOf = ({ campaign_no, customer_no, channel }: KeptHit): string => `${campaign_no}/${customer_no}/${channel}`;

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Hit } from './evidence.js';
import { CLICKS_NEAR, RECORD_HITS, RECOUNT, RECLASSIFY } from './receipt.queries.js';
import { type Click, NEAR_MS, scans } from './scanner.js';

/** A hit as it counts. */
export type KeptHit = Pick<Hit, 'campaign_no' | 'customer_no' | 'channel' | 'at' | 'machine'>;

/** What became known of hits. */
export interface HitsKept {
  /** Those that are new. */
  added: KeptHit[];
  /** Those that counted as a person's and turned out to be a scanner's; of each message the first. */
  disowned: KeptHit[];
}

/**
 * Keeps hits. What shows itself to be a scanner was one from the start: its earlier hits are a machine's from now on, in the ledger, too. Whoever
 * calls holds the campaign's counters: of two hits at once, the second sees the first.
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

import { Injectable } from '@nestjs/common';
import { Database, HeavyReads } from '#database';
import { type Tenant, validationFailed } from '#kernel';
import type { SegmentOverlapDto } from './dto/segment-overlap.dto.js';

const ASKED = 'SELECT segment_no, segment_id, name FROM segments WHERE tenant_id = $1 AND segment_id = ANY ($2::text[])';

/** How many customers are in which of the segments `$2` and in no other of them: the first is bit 1, the second bit 2, then 4. One pass over their members. */
const REGIONS = `
  SELECT mask, count(*)::int AS size
    FROM (SELECT bit_or(1 << (asked.place::int - 1)) AS mask
            FROM unnest($2::int[]) WITH ORDINALITY AS asked (no, place) JOIN segment_members m ON m.tenant_id = $1 AND m.segment_no = asked.no
           GROUP BY m.customer_no) member
   GROUP BY mask`;

/** Says how segments overlap. */
@Injectable()
export class SegmentOverlap {
  constructor(
    private readonly database: Database,
    private readonly heavyReads: HeavyReads,
  ) {}

  /** @throws RequestError validation_failed for segments that do not exist */
  of(tenant: Tenant, segmentIds: readonly string[]): Promise<SegmentOverlapDto> {
    return this.heavyReads.run(tenant, () => this.compute(tenant, segmentIds));
  }

  private compute(tenant: Tenant, segmentIds: readonly string[]): Promise<SegmentOverlapDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const found = await tx.query<{ segment_no: number; segment_id: string; name: string }[]>(ASKED, [tenant.id, segmentIds]);
      const byId = new Map(found.map((row) => [row.segment_id, row]));
      const unknown = segmentIds.flatMap((id, at) => (byId.has(id) ? [] : [{ pointer: `/segment_ids/${at}`, code: 'unknown_segment', detail: 'There is no such segment.' }]));
      if (unknown.length > 0) throw validationFailed(unknown);
      const asked = segmentIds.map((id) => byId.get(id)!);
      await tx.query(`SELECT set_config('work_mem', '64MB', true)`);
      const regions = await tx.query<Region[]>(REGIONS, [tenant.id, asked.map((segment) => segment.segment_no)]);
      const overlaps = combinations(segmentIds.length).map((mask) => ({ segment_ids: segmentIds.filter((_, place) => mask & (1 << place)), ...sizes(mask, regions) }));
      return {
        segments: asked.map(({ segment_id: id, name }, place) => ({ id, name, size: sizes(1 << place, regions).size })),
        union_size: sum(regions),
        overlaps,
      };
    });
  }
}

interface Region {
  mask: number;
  size: number;
}

const sum = (regions: readonly Region[]): number => regions.reduce((total, { size }) => total + size, 0);

/** Of the customers in all segments of the mask: how many there are, and how many are in none of the others. */
const sizes = (mask: number, regions: readonly Region[]): { size: number; exclusive: number } => ({
  size: sum(regions.filter((region) => (region.mask & mask) === mask)),
  exclusive: sum(regions.filter((region) => region.mask === mask)),
});

const bits = (mask: number): number => (mask === 0 ? 0 : (mask & 1) + bits(mask >> 1));

/** Every choice of at least one of `n`, small ones first. */
const combinations = (n: number): number[] => Array.from({ length: 2 ** n - 1 }, (_, at) => at + 1).sort((a, b) => bits(a) - bits(b) || a - b);

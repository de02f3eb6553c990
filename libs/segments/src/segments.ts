import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Segment } from './segment.js';

const GET = 'SELECT segment_no AS no, segment_id AS id, name, type, size, criteria FROM segments WHERE tenant_id = $1 AND segment_id = $2';

/** What other domains may ask about segments. */
@Injectable()
export class Segments {
  /** The numbers of a segment's members; `$1` the tenant, `$2` the segment's number. */
  readonly membersSql = 'SELECT customer_no FROM segment_members WHERE tenant_id = $1 AND segment_no = $2';

  /** Whether the customer is in any of the segments, as SQL: `$1` the tenant, `ids` a parameter with the segments' ids. */
  inAnySql(customerNo: string, ids: string): string {
    return `EXISTS (SELECT 1 FROM segment_members x WHERE x.tenant_id = $1 AND x.customer_no = ${customerNo}
              AND x.segment_no IN (SELECT segment_no FROM segments WHERE tenant_id = $1 AND segment_id = ANY (${ids}::text[])))`;
  }

  /** The numbers of those who are in any of the segments, as SQL, for when everybody is asked about; `$1` and `ids` likewise. */
  membersOfAnySql(ids: string): string {
    return `SELECT customer_no FROM segment_members WHERE tenant_id = $1 AND segment_no IN (SELECT segment_no FROM segments WHERE tenant_id = $1 AND segment_id = ANY (${ids}::text[]))`;
  }

  /** Those of the segments that exist. */
  async known(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[], lock: '' | 'FOR KEY SHARE' = ''): Promise<Set<string>> {
    if (segmentIds.length === 0) return new Set();
    const rows = await tx.query<{ segment_id: string }[]>(`SELECT segment_id FROM segments WHERE tenant_id = $1 AND segment_id = ANY ($2::text[]) ORDER BY segment_no ${lock}`, [tenant.id, segmentIds]);
    return new Set(rows.map((row) => row.segment_id));
  }

  /** The same, held likewise. */
  holdAll(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[]): Promise<Set<string>> {
    return this.known(tx, tenant, segmentIds, 'FOR KEY SHARE');
  }

  async get(tx: EntityManager, tenant: Tenant, segmentId: string): Promise<Segment | null> {
    const [found] = await tx.query<Segment[]>(GET, [tenant.id, segmentId]);
    return found ?? null;
  }

  /** The same for whoever is about to write down that it needs the segment: nobody deletes it before that is committed, and can be seen. */
  async hold(tx: EntityManager, tenant: Tenant, segmentId: string): Promise<Segment | null> {
    const [found] = await tx.query<Segment[]>(`${GET} FOR KEY SHARE`, [tenant.id, segmentId]);
    return found ?? null;
  }

  async has(tx: EntityManager, tenant: Tenant, segmentNo: number, customerNo: number): Promise<boolean> {
    const found = await tx.query<unknown[]>(`${this.membersSql} AND customer_no = $3`, [tenant.id, segmentNo, customerNo]);
    return found.length > 0;
  }
}

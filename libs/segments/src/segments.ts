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

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';

/** Says why a segment cannot go, such as "Campaign camp_… is scheduled for it.", or null. */
export type SegmentUser = (tx: EntityManager, tenant: Tenant, segmentNo: number) => Promise<string | null>;

/** Lets higher domains keep a segment that they still need from being deleted. */
@Injectable()
export class SegmentUse {
  private readonly users: SegmentUser[] = [];

  /** Call while modules initialise. */
  register(user: SegmentUser): void {
    this.users.push(user);
  }

  async reason(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<string | null> {
    for (const user of this.users) {
      const reason = await user(tx, tenant, segmentNo);
      if (reason !== null) return reason;
    }
    return null;
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, localDay, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { FOLD_DAYS_AHEAD, FORGET_MEMBER, MOVE_SIZES, REPAIR_SIZE } from './segment-sizes.queries.js';
import type { Move } from './segment.js';

/** Keeps the size of every segment, and its history by day, in the transaction that moves the members. The caller holds the segments' locks. */
@Injectable()
export class SegmentSizes {
  constructor(
    private readonly settings: SettingsService,
    private readonly clock: Clock,
  ) {}

  /** By the segment's number. One that was computed and in which nobody moved is as new all the same. */
  async move(tx: EntityManager, tenant: Tenant, moves: ReadonlyMap<number, Move>, now: Date): Promise<void> {
    if (moves.size === 0) return;
    const all = [...moves.values()];
    await tx.query(MOVE_SIZES, [tenant.id, now, [...moves.keys()], all.map(({ entered }) => entered.length), all.map(({ exited }) => exited.length), await this.day(tx, tenant, now)]);
  }

  /** Takes a customer who is to be forgotten out of every segment. */
  async forget(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    const now = this.clock.now();
    await tx.query(FORGET_MEMBER, [tenant.id, customerNo, now, await this.day(tx, tenant, now)]);
  }

  /** Where days begin later now, what happened on a day that is yet to come happened today: later changes must not come before it. */
  async foldDaysAhead(tx: EntityManager, tenant: Tenant): Promise<void> {
    await tx.query(FOLD_DAYS_AHEAD, [tenant.id, await this.day(tx, tenant, this.clock.now())]);
  }

  /** Counts the members of a segment; @returns whether the size was wrong. */
  async repair(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<boolean> {
    const { affected } = (await tx.queryRunner!.query(REPAIR_SIZE, [tenant.id, segmentNo, await this.day(tx, tenant, this.clock.now())], true)) as { affected: number };
    return affected > 0;
  }

  private async day(tx: EntityManager, tenant: Tenant, at: Date): Promise<string> {
    return localDay(at, (await this.settings.of(tx, tenant)).timezone);
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, type Tenant } from '#kernel';
import { movesWithTime } from './criteria.js';
import { compileCrossed } from './criteria.crossed.js';
import { CriteriaFields } from './criteria-fields.js';
import { DynamicSegments, type Loaded } from './dynamic-segments.js';
import { KEEP_GRAPH, SET_FOLLOWED } from './membership.queries.js';
import { Params } from './params.js';
import { Reconciliation } from './reconciliation.js';
import { dependents } from './segment-graph.js';
import { SegmentSizes } from './segment-sizes.js';
import type { Move } from './segment.js';

/** Looked at again on both sides of the last look: workers' clocks differ a little. */
const SLACK = 120_000;
/** A look that found nobody need not be remembered at once: the next merely looks a little further back. */
const REMEMBER_AFTER = 3_600_000;

/** Keeps the materialised membership of dynamic segments in step with customers, time and one another. */
@Injectable()
export class Membership {
  constructor(
    private readonly fields: CriteriaFields,
    private readonly dynamic: DynamicSegments,
    private readonly reconciliation: Reconciliation,
    private readonly sizes: SegmentSizes,
    private readonly clock: Clock,
  ) {}

  /** Computes one segment anew, as a difference to what it was; the segments that refer to it follow. */
  async rebuild(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<void> {
    const now = this.clock.now();
    const { graph } = await this.dynamic.all(tx, tenant);
    const loaded = await this.dynamic.lock(tx, tenant, [segmentNo, ...dependents(graph, segmentNo)]);
    await this.reconciliation.settle(tx, tenant, loaded, now, (no) => (no === segmentNo ? 'everyone' : []));
    await this.sizes.move(tx, tenant, new Map([[segmentNo, { entered: [], exited: [] }]]), now);
    await tx.query(SET_FOLLOWED, [tenant.id, now, [segmentNo]]);
  }

  /** Looks at some customers again, in every dynamic segment. */
  async follow(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<void> {
    await tx.query(KEEP_GRAPH, [tenant.id]);
    const loaded = await this.dynamic.lock(tx, tenant, 'all');
    await this.reconciliation.settle(tx, tenant, loaded, this.clock.now(), () => customerNos);
  }

  /** Looks at the customers whom time has moved over a border since the last look. */
  async followTime(tx: EntityManager, tenant: Tenant): Promise<void> {
    const now = this.clock.now();
    if ((await this.crossed(tx, tenant, await this.dynamic.all(tx, tenant), now)).size === 0) return;
    await tx.query(KEEP_GRAPH, [tenant.id]);
    await this.catchUp(tx, tenant, await this.dynamic.lock(tx, tenant, 'all'), now);
  }

  /**
   * Looks at a range of customers again, in every dynamic segment, though nothing says that they have changed.
   *
   * @returns who had been in the wrong place, by the segment's id; of a system without defects nobody
   */
  async repair(tx: EntityManager, tenant: Tenant, range: { from: number; to: number }): Promise<Map<string, Move>> {
    const now = this.clock.now();
    await tx.query(KEEP_GRAPH, [tenant.id]);
    const loaded = await this.dynamic.lock(tx, tenant, 'all');
    await this.catchUp(tx, tenant, loaded, now);
    const moves = await this.reconciliation.settle(tx, tenant, loaded, now, () => range);
    const waiting = await this.waiting(tx, tenant, [...moves.values()].flatMap(({ entered, exited }) => [...entered, ...exited]));
    const unexpected = (customerNos: readonly number[]): number[] => customerNos.filter((no) => !waiting.has(no));
    const wrong = [...moves].map(([no, move]) => [loaded.segments.get(no)!.id, { entered: unexpected(move.entered), exited: unexpected(move.exited) }] as const);
    return new Map(wrong.filter(([, { entered, exited }]) => entered.length + exited.length > 0));
  }

  /** What the members of another segment's move mean for those that refer to it. */
  async followMembers(tx: EntityManager, tenant: Tenant, segmentNo: number, customerNos: readonly number[]): Promise<void> {
    const { graph } = await this.dynamic.all(tx, tenant);
    const affected = dependents(graph, segmentNo);
    if (affected.size === 0 || customerNos.length === 0) return;
    const loaded = await this.dynamic.lock(tx, tenant, affected);
    await this.reconciliation.settle(tx, tenant, loaded, this.clock.now(), () => customerNos);
  }

  private async catchUp(tx: EntityManager, tenant: Tenant, loaded: Loaded, now: Date): Promise<void> {
    const crossed = await this.crossed(tx, tenant, loaded, now);
    if (crossed.size === 0) return;
    await this.reconciliation.settle(tx, tenant, loaded, now, (no) => crossed.get(no) ?? []);
    await tx.query(SET_FOLLOWED, [tenant.id, now, [...crossed.keys()]]);
  }

  /** Whom time may have moved since each segment was looked at; a segment that nobody may have moved in comes only when that is to be remembered. */
  private async crossed(tx: EntityManager, tenant: Tenant, { segments, timezone }: Loaded, now: Date): Promise<Map<number, number[]>> {
    const crossed = new Map<number, number[]>();
    for (const { no, criteria, followedAt } of segments.values()) {
      if (!movesWithTime(criteria)) continue;
      const [from, to] = [followedAt, now].sort((a, b) => a.getTime() - b.getTime()) as [Date, Date];
      const params = new Params(tenant.id);
      const query = compileCrossed(criteria, new Date(from.getTime() - SLACK), to, timezone, { params, events: this.fields.events });
      const found = query === null ? [] : await tx.query<{ customer_no: number }[]>(query, params.values);
      if (found.length > 0 || to.getTime() - from.getTime() > REMEMBER_AFTER) crossed.set(no, found.map((row) => row.customer_no));
    }
    return crossed;
  }

  /** Those of them who have changed and are still to be looked at. Whoever would look at them waits for the locks that the caller holds. */
  private async waiting(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Set<number>> {
    if (customerNos.length === 0) return new Set();
    const rows = await tx.query<{ customer_no: number }[]>('SELECT customer_no FROM changed_customers WHERE tenant_id = $1 AND customer_no = ANY ($2::int[])', [tenant.id, customerNos]);
    return new Set(rows.map((row) => row.customer_no));
  }
}

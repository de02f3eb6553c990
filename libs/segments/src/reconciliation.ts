import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import { localDay, type Tenant } from '#kernel';
import { compileCriteria } from './criteria.compile.js';
import { CriteriaFields } from './criteria-fields.js';
import type { Loaded } from './dynamic-segments.js';
import { differenceSql, ENTER, EXIT } from './membership.queries.js';
import { Params } from './params.js';
import { isNobody, type Scope, union, within } from './scope.js';
import { type Move, SEGMENT_CHANGED } from './segment.js';
import { levels } from './segment-graph.js';
import { SegmentSizes } from './segment-sizes.js';

/** Room for the hash tables of one statement; and no compiling of it, which takes longer than it saves. */
const PLENTY = `SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`;

/** Customers of one statement when everyone is looked at: what it holds in memory stays small. */
export const RANGE = 50_000;
export const LAST_CUSTOMER = 'SELECT max(customer_no) AS last FROM customers WHERE tenant_id = $1';

const EVENT_SIZE = 10_000;

/** Makes membership agree with criteria, as a difference to what it was, and tells who came and who went. */
@Injectable()
export class Reconciliation {
  constructor(
    private readonly fields: CriteriaFields,
    private readonly jobs: Jobs,
    private readonly sizes: SegmentSizes,
  ) {}

  /**
   * Goes through the segments, level by level, and looks at who it is asked to and whoever moved in those that they refer to.
   * The caller holds the locks of all that can move.
   *
   * @param own whom to look at in a segment
   * @returns who moved, by the segment's number
   */
  async settle(tx: EntityManager, tenant: Tenant, loaded: Loaded, now: Date, own: (no: number) => Scope): Promise<Map<number, Move>> {
    await tx.query(PLENTY);
    const moves = new Map<number, Move>();
    const followed = (no: number): number[] => loaded.graph.get(no)!.flatMap((other) => [...(moves.get(other)?.entered ?? []), ...(moves.get(other)?.exited ?? [])]);
    for (const level of levels(loaded.graph)) {
      const scopes = new Map(level.map((no) => [no, union([own(no), followed(no)])]));
      const widely = level.filter((no) => scopes.get(no) === 'everyone');
      const narrowly = level.filter((no) => scopes.get(no) !== 'everyone' && !isNobody(scopes.get(no)!));
      for (const segmentNos of [widely, narrowly]) {
        for (const scope of await this.pieces(tx, tenant, union(segmentNos.map((no) => scopes.get(no)!)))) await this.reconcile(tx, tenant, loaded, segmentNos, now, scope, moves);
      }
    }
    for (const [no, { entered, exited }] of moves) await this.announce(tx, tenant, loaded.segments.get(no)!.id, entered, exited);
    await this.sizes.move(tx, tenant, moves, now);
    return moves;
  }

  /** Tells, in the caller's transaction, who came and who went. */
  async announce(tx: EntityManager, tenant: Tenant, segmentId: string, entered: readonly number[], exited: readonly number[]): Promise<void> {
    for (let from = 0; from < Math.max(entered.length, exited.length); from += EVENT_SIZE / 2) {
      const part = (all: readonly number[]): number[] => all.slice(from, from + EVENT_SIZE / 2);
      await this.jobs.publish(tx, tenant, SEGMENT_CHANGED, { segment_id: segmentId, entered: part(entered), exited: part(exited) });
    }
  }

  private async pieces(tx: EntityManager, tenant: Tenant, scope: Scope): Promise<Exclude<Scope, 'everyone'>[]> {
    if (scope !== 'everyone') return isNobody(scope) ? [] : [scope];
    const [{ last }] = await tx.query<[{ last: number | null }]>(LAST_CUSTOMER, [tenant.id]);
    return Array.from({ length: Math.ceil(((last ?? -1) + 1) / RANGE) }, (_, piece) => ({ from: piece * RANGE, to: (piece + 1) * RANGE - 1 }));
  }

  private async reconcile(tx: EntityManager, tenant: Tenant, loaded: Loaded, segmentNos: readonly number[], now: Date, scope: Exclude<Scope, 'everyone'>, moves: Map<number, Move>): Promise<void> {
    const params = new Params(tenant.id);
    const scoped = within(scope, params);
    const context = { params, now, today: localDay(now, loaded.timezone), segmentNos: loaded.numbers, events: this.fields.events, within: scoped.within };
    const conditions = new Map(segmentNos.map((no) => [no, compileCriteria(loaded.segments.get(no)!.criteria, context)]));
    const found = await tx.query<{ no: number; entered: number[] | null; exited: number[] | null }[]>(differenceSql(conditions, scoped), params.values);
    await this.write(tx, tenant, ENTER, found.map(({ no, entered }) => [no, entered ?? []]));
    await this.write(tx, tenant, EXIT, found.map(({ no, exited }) => [no, exited ?? []]));
    for (const { no, entered, exited } of found) {
      const move = moves.get(no);
      moves.set(no, { entered: [...(move?.entered ?? []), ...(entered ?? [])], exited: [...(move?.exited ?? []), ...(exited ?? [])] });
    }
  }

  private async write(tx: EntityManager, tenant: Tenant, statement: string, moves: readonly (readonly [number, readonly number[]])[]): Promise<void> {
    const segmentNos = moves.flatMap(([no, customers]) => customers.map(() => no));
    if (segmentNos.length > 0) await tx.query(statement, [tenant.id, segmentNos, moves.flatMap(([, customers]) => customers)]);
  }
}

import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { type Criteria, references } from './criteria.js';
import { compileCriteria } from './criteria.compile.js';
import { CriteriaFields } from './criteria-fields.js';
import { parseCriteria } from './criteria.parse.js';
import { dateIn } from './elapsed.js';
import { DYNAMIC, type DynamicRow, KEEP_GRAPH, LOCK_DYNAMIC, MOVE_SIZES, NUMBERS_OF, reconcileSql, SET_FOLLOWED } from './membership.queries.js';
import { Params } from './params.js';
import { dependents, type Graph, inOrder } from './segment-graph.js';
import { SEGMENT_CHANGED } from './segment.js';

/** Customers to look at again; null: everyone. */
export type Scope = readonly number[] | null;

/** More than so many customers are looked at by looking at everyone. */
const WIDEST_SCOPE = 100_000;
const EVENT_SIZE = 10_000;

export interface DynamicSegment {
  no: number;
  id: string;
  criteria: Criteria;
  followedAt: Date;
}

export interface Loaded {
  segments: Map<number, DynamicSegment>;
  graph: Graph;
  /** Of every segment that is referred to. */
  numbers: Map<string, number>;
  timezone: string;
}

/** Keeps the materialised membership of dynamic segments in step with customers, time and one another. */
@Injectable()
export class Membership {
  private readonly logger = new Logger(Membership.name);

  constructor(
    private readonly fields: CriteriaFields,
    private readonly settings: SettingsService,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** Computes one segment anew, as a difference to what it was; the segments that refer to it follow. */
  async rebuild(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<void> {
    const now = this.clock.now();
    const { graph } = await this.load(tx, tenant);
    const loaded = await this.load(tx, tenant, [segmentNo, ...dependents(graph, segmentNo)]);
    await this.settle(tx, tenant, loaded, now, (no) => (no === segmentNo ? null : []));
    await tx.query(MOVE_SIZES, [tenant.id, now, [segmentNo], [0]]);
    await tx.query(SET_FOLLOWED, [tenant.id, now, [segmentNo]]);
  }

  /** Looks at some customers again, in every dynamic segment. */
  async follow(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<void> {
    await tx.query(KEEP_GRAPH, [tenant.id]);
    const { segments } = await this.load(tx, tenant);
    const loaded = await this.load(tx, tenant, [...segments.keys()]);
    await this.settle(tx, tenant, loaded, this.clock.now(), () => customerNos);
  }

  /** Looks at customers whom time may have moved; `crossed` says which, by segment. */
  async followTime(tx: EntityManager, tenant: Tenant, now: Date, crossed: ReadonlyMap<number, readonly number[]>): Promise<void> {
    await tx.query(KEEP_GRAPH, [tenant.id]);
    const { segments } = await this.load(tx, tenant);
    const loaded = await this.load(tx, tenant, [...segments.keys()]);
    await this.settle(tx, tenant, loaded, now, (no) => crossed.get(no) ?? []);
    await tx.query(SET_FOLLOWED, [tenant.id, now, [...crossed.keys()]]);
  }

  /** What the members of another segment's move mean for those that refer to it. */
  async followMembers(tx: EntityManager, tenant: Tenant, segmentNo: number, customerNos: readonly number[]): Promise<void> {
    const { graph } = await this.load(tx, tenant);
    const affected = dependents(graph, segmentNo);
    if (affected.size === 0 || customerNos.length === 0) return;
    const loaded = await this.load(tx, tenant, [...affected]);
    await this.settle(tx, tenant, loaded, this.clock.now(), () => customerNos);
  }

  /** Tells, in the caller's transaction, who came and who went. */
  async announce(tx: EntityManager, tenant: Tenant, segmentId: string, entered: readonly number[], exited: readonly number[]): Promise<void> {
    for (let from = 0; from < Math.max(entered.length, exited.length); from += EVENT_SIZE / 2) {
      const part = (all: readonly number[]): number[] => all.slice(from, from + EVENT_SIZE / 2);
      await this.jobs.publish(tx, tenant, SEGMENT_CHANGED, { segment_id: segmentId, entered: part(entered), exited: part(exited) });
    }
  }

  /** The tenant's dynamic segments, parsed; with `lock`, those only, and locked until the transaction ends. */
  async load(tx: EntityManager, tenant: Tenant, lock?: readonly number[]): Promise<Loaded> {
    const rows = await tx.query<DynamicRow[]>(lock ? LOCK_DYNAMIC : DYNAMIC, lock ? [tenant.id, lock] : [tenant.id]);
    const { currency, timezone } = await this.settings.of(tx, tenant);
    const segments = new Map<number, DynamicSegment>();
    for (const row of rows) {
      const { criteria, faults } = parseCriteria(row.criteria, '', { fields: this.fields, currency });
      if (criteria !== null) segments.set(row.segment_no, { no: row.segment_no, id: row.segment_id, criteria, followedAt: row.followed_at });
      else this.logger.warn({ msg: 'a segment keeps its members: its criteria no longer parse', tenant: tenant.name, segment: row.segment_id, faults });
    }
    const ids = [...new Set([...segments.values()].flatMap(({ criteria }) => references(criteria)))];
    const numbers = await this.numbersOf(tx, tenant, ids);
    const graph = new Map([...segments.values()].map(({ no, criteria }) => [no, references(criteria).flatMap((id) => numbers.get(id) ?? [])]));
    return { segments, graph, numbers, timezone };
  }

  /** The numbers of those segments that exist, by id. */
  async numbersOf(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[]): Promise<Map<string, number>> {
    const found = segmentIds.length === 0 ? [] : await tx.query<{ segment_id: string; segment_no: number }[]>(NUMBERS_OF, [tenant.id, segmentIds]);
    return new Map(found.map((row) => [row.segment_id, row.segment_no]));
  }

  /** Goes through the segments so that each comes after those it refers to, and looks at who it is asked to and whoever moved in those. */
  private async settle(tx: EntityManager, tenant: Tenant, loaded: Loaded, now: Date, own: (no: number) => Scope): Promise<void> {
    await tx.query(`SELECT set_config('work_mem', '64MB', true)`);
    const moves = new Map<number, { entered: number[]; exited: number[] }>();
    for (const no of inOrder(loaded.graph)) {
      const followed = loaded.graph.get(no)!.flatMap((other) => [...(moves.get(other)?.entered ?? []), ...(moves.get(other)?.exited ?? [])]);
      const scope = widen(own(no), followed);
      if (scope?.length === 0) continue;
      const { entered, exited } = await this.reconcile(tx, tenant, loaded, loaded.segments.get(no)!, now, scope);
      if (entered.length + exited.length === 0) continue;
      moves.set(no, { entered, exited });
      await this.announce(tx, tenant, loaded.segments.get(no)!.id, entered, exited);
    }
    if (moves.size === 0) return;
    await tx.query(MOVE_SIZES, [tenant.id, now, [...moves.keys()], [...moves.values()].map(({ entered, exited }) => entered.length - exited.length)]);
  }

  private async reconcile(tx: EntityManager, tenant: Tenant, loaded: Loaded, segment: DynamicSegment, now: Date, among: Scope): Promise<{ entered: number[]; exited: number[] }> {
    const params = new Params(tenant.id, segment.no);
    const scope = among === null ? null : `${params.add(among)}::int[]`;
    const context = { params, now, today: dateIn(loaded.timezone, now), segmentNos: loaded.numbers, events: this.fields.events, scope };
    const condition = compileCriteria(segment.criteria, context);
    const [moved] = await tx.query<{ entered: number[]; exited: number[] }[]>(reconcileSql(condition, scope), params.values);
    return moved!;
  }
}

const widen = (own: Scope, followed: readonly number[]): Scope => {
  if (own === null) return null;
  const all = followed.length === 0 ? own : [...new Set([...own, ...followed])];
  return all.length > WIDEST_SCOPE ? null : all;
};

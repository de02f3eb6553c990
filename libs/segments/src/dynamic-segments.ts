import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { type Criteria, references } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import { parseCriteria } from './criteria.parse.js';
import { DYNAMIC, type DynamicRow, LOCK_DYNAMIC, NUMBERS_OF } from './membership.queries.js';
import type { Graph } from './segment-graph.js';

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

/** The tenant's dynamic segments with their criteria parsed, and how they refer to one another. */
@Injectable()
export class DynamicSegments {
  private readonly logger = new Logger(DynamicSegments.name);

  constructor(
    private readonly fields: CriteriaFields,
    private readonly settings: SettingsService,
  ) {}

  all(tx: EntityManager, tenant: Tenant): Promise<Loaded> {
    return this.read(tx, tenant, DYNAMIC);
  }

  /** Those only, or all, and nobody else changes their membership until the transaction ends. */
  async lock(tx: EntityManager, tenant: Tenant, segmentNos: 'all' | Iterable<number>): Promise<Loaded> {
    return this.read(tx, tenant, LOCK_DYNAMIC, segmentNos === 'all' ? null : [...segmentNos]);
  }

  /** The numbers of those segments that exist, by id. */
  async numbersOf(tx: EntityManager, tenant: Tenant, segmentIds: readonly string[]): Promise<Map<string, number>> {
    const found = segmentIds.length === 0 ? [] : await tx.query<{ segment_id: string; segment_no: number }[]>(NUMBERS_OF, [tenant.id, segmentIds]);
    return new Map(found.map((row) => [row.segment_id, row.segment_no]));
  }

  /** Why stored criteria can no longer be read, such as for a field that has gone; null when they can. */
  async fault(tx: EntityManager, tenant: Tenant, criteria: unknown): Promise<string | null> {
    const { currency } = await this.settings.of(tx, tenant);
    const [fault] = parseCriteria(criteria, '/criteria', { fields: this.fields, currency }).faults;
    return fault === undefined ? null : `${fault.pointer}: ${fault.detail}`;
  }

  private async read(tx: EntityManager, tenant: Tenant, statement: string, ...values: unknown[]): Promise<Loaded> {
    const rows = await tx.query<DynamicRow[]>(statement, [tenant.id, ...values]);
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
}

import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, keptTotal } from '#database';
import { assertVersion, Versioned, type Versions } from '#http';
import { Jobs } from '#jobs';
import { Clock, isInt4, newId, pageWindow, type Paged, type Tenant, toPage } from '#kernel';
import { SettingsService } from '#tenants';
import { SegmentDto, SegmentSummaryDto } from './dto/segment.dto.js';
import { CreateSegmentDto, type SegmentListQueryDto, UpdateSegmentDto } from './dto/write-segment.dto.js';
import { DynamicSegments } from './dynamic-segments.js';
import { Membership } from './membership.js';
import { dependents } from './segment-graph.js';
import { SegmentInput } from './segment-input.js';
import { REBUILD } from './segment-sweeps.js';
import { SegmentUse } from './segment-use.js';
import { SegmentError } from './segment.errors.js';
import type { SegmentRow } from './segment.js';
import { DELETE, DELETE_MEMBERS, FIND, FIND_TO_CHANGE, FIND_TO_DELETE, INSERT, LIST, UPDATE } from './segments.queries.js';
import { ALL_CUSTOMERS, isWellKnown } from './well-known-segments.js';

/** Up to so many customers a caller waits until the members are computed (about a second); beyond, a job computes them. */
const WAIT_UP_TO = 300_000;

@Injectable()
export class SegmentsService {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly input: SegmentInput,
    private readonly settings: SettingsService,
    private readonly membership: Membership,
    private readonly dynamic: DynamicSegments,
    private readonly use: SegmentUse,
  ) {}

  async list(tenant: Tenant, query: SegmentListQueryDto): Promise<Paged<SegmentSummaryDto>> {
    const window = pageWindow<[number]>(query, 'segments', (key) => key.length === 1 && isInt4(key[0]));
    const [rows, [kept]] = await this.database.read<[SegmentRow[], { total: number }[]]>(
      tenant,
      { text: LIST, values: [tenant.id, query.type ?? null, window.after?.[0] ?? null, window.limit + 1, window.offset], name: 'segments_list' },
      { text: keptTotal('segments', '$1', '($2::text IS NULL OR bucket = $2)'), values: [tenant.id, query.type ?? null], name: 'segments_total' },
    );
    return toPage(rows, window, { count: kept!.total, relation: 'eq' }, (row) => SegmentSummaryDto.from(row), (row) => [row.segment_no]);
  }

  async get(tenant: Tenant, segmentId: string): Promise<Versioned<SegmentDto>> {
    const [row] = await this.database.rows<SegmentRow>(tenant, { text: FIND, values: [tenant.id, segmentId], name: 'segment_get' });
    return answer(row);
  }

  async create(tenant: Tenant, body: unknown): Promise<Versioned<SegmentDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      await this.settings.hold(tx, tenant); // amounts in criteria are told in the tenant's currency
      const { input } = await this.input.read(tx, tenant, CreateSegmentDto, body, ({ type }) => (type === 'dynamic' ? 'required' : type === 'static' || type === 'imported' ? 'forbidden' : 'optional'), null);
      const now = this.clock.now();
      const dynamic = input.type === 'dynamic';
      const criteria = dynamic ? JSON.stringify(input.criteria) : null;
      const [row] = await tx.query<SegmentRow[]>(INSERT, [tenant.id, newId('seg', now.getTime()), input.name, input.description ?? null, input.type, criteria, now, dynamic ? null : now]);
      if (dynamic) await this.compute(tx, tenant, row!.segment_no);
      return answer((await this.find(tx, tenant, row!.segment_id)));
    });
  }

  async update(tenant: Tenant, segmentId: string, body: unknown, ifMatch?: Versions): Promise<Versioned<SegmentDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      await this.settings.hold(tx, tenant);
      await this.input.lockReferences(tx, tenant);
      const row = await this.find(tx, tenant, segmentId, FIND_TO_CHANGE);
      const { input } = await this.input.read(tx, tenant, UpdateSegmentDto, body, () => (row.type === 'dynamic' ? 'optional' : 'forbidden'), row.segment_no);
      assertVersion(ifMatch, row.version);
      if (row.segment_id === ALL_CUSTOMERS && input.criteria !== undefined && !isDeepStrictEqual(input.criteria, row.criteria)) {
        throw new SegmentError('invalid_state', { detail: 'Everybody is in this segment, whoever counts on its id: its criteria stay. Make a segment of your own.' });
      }
      const changed = { name: input.name ?? row.name, description: input.description === undefined ? row.description : input.description, criteria: input.criteria ?? row.criteria };
      const criteria = changed.criteria === null ? null : JSON.stringify(changed.criteria);
      await tx.query(UPDATE, [tenant.id, row.segment_no, changed.name, changed.description, criteria, this.clock.now()]);
      if (input.criteria !== undefined) await this.compute(tx, tenant, row.segment_no);
      return answer(await this.find(tx, tenant, segmentId));
    });
  }

  async remove(tenant: Tenant, segmentId: string, ifMatch?: Versions): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      await this.input.lockReferences(tx, tenant);
      const row = await this.find(tx, tenant, segmentId, FIND_TO_DELETE);
      assertVersion(ifMatch, row.version);
      const reason = await this.reasonToKeep(tx, tenant, row);
      if (reason !== null) throw new SegmentError('invalid_state', { detail: reason });
      await tx.query(DELETE_MEMBERS, [tenant.id, row.segment_no]);
      await tx.query(DELETE, [tenant.id, row.segment_no]);
    });
  }

  async refresh(tenant: Tenant, segmentId: string): Promise<Versioned<SegmentDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const row = await this.find(tx, tenant, segmentId);
      if (row.type !== 'dynamic') throw new SegmentError('invalid_state', { detail: `Only a dynamic segment is computed; this one is ${row.type}.` });
      const fault = await this.dynamic.fault(tx, tenant, row.criteria);
      if (fault !== null) throw new SegmentError('invalid_state', { detail: `Its members stay as they are until its criteria are corrected. ${fault}` });
      await this.compute(tx, tenant, row.segment_no);
      return answer(await this.find(tx, tenant, segmentId));
    });
  }

  private async compute(tx: EntityManager, tenant: Tenant, segmentNo: number): Promise<void> {
    const [customers] = await tx.query<{ total: number }[]>(keptTotal('customers', '$1'), [tenant.id]);
    if (customers!.total <= WAIT_UP_TO) return this.membership.rebuild(tx, tenant, segmentNo);
    await this.jobs.enqueue(tx, tenant, REBUILD, { segment_no: segmentNo }, { key: String(segmentNo) });
  }

  private async reasonToKeep(tx: EntityManager, tenant: Tenant, row: SegmentRow): Promise<string | null> {
    if (isWellKnown(row.segment_id)) return 'Every tenant has this segment; it cannot be deleted.';
    const { graph, segments } = await this.dynamic.all(tx, tenant);
    const [other] = dependents(graph, row.segment_no);
    if (other !== undefined) return `The criteria of ${segments.get(other)!.id} refer to this segment.`;
    return this.use.reason(tx, tenant, row.segment_no);
  }

  private async find(tx: EntityManager, tenant: Tenant, segmentId: string, query = FIND): Promise<SegmentRow> {
    const [row] = await tx.query<SegmentRow[]>(query, [tenant.id, segmentId]);
    if (row === undefined) throw new SegmentError('segment_not_found');
    return row;
  }
}

function answer(row: SegmentRow | undefined): Versioned<SegmentDto> {
  if (row === undefined) throw new SegmentError('segment_not_found');
  return new Versioned(SegmentDto.from(row), row.version);
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type CsvFile, Customers, type ImportDto, Imports } from '#customers';
import { Database } from '#database';
import type { PageQueryDto } from '#http';
import { Clock, isInt4, pageWindow, type Paged, type Tenant, toPage } from '#kernel';
import type { AddedSegmentMembersDto, SegmentMemberDto } from './dto/segment-member.dto.js';
import { Membership } from './membership.js';
import { Reconciliation } from './reconciliation.js';
import { SegmentSizes } from './segment-sizes.js';
import { SegmentError } from './segment.errors.js';
import type { SegmentRow, SegmentType } from './segment.js';
import { ADD_MEMBERS, FIND, FIND_TO_CHANGE, LOCK_LISTS_OF, MEMBERS, REMOVE_MEMBER } from './segments.queries.js';

/** Names the segments' part in the files that are under way: keep it. */
const IMPORT_TARGET = 'segment';

/** Who is in a segment, and for those that are lists, who is put there. */
@Injectable()
export class SegmentMembersService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly customers: Customers,
    private readonly imports: Imports,
    private readonly membership: Membership,
    private readonly reconciliation: Reconciliation,
    private readonly sizes: SegmentSizes,
  ) {}

  onModuleInit(): void {
    this.imports.target(IMPORT_TARGET, async (tx, tenant, segmentId, customerNos) => {
      const [segment] = await tx.query<SegmentRow[]>(FIND_TO_CHANGE, [tenant.id, segmentId]);
      if (segment !== undefined) await this.put(tx, tenant, segment, customerNos); // deleted meanwhile: the customers come in all the same
    });
  }

  /** Takes in a file of customers, who become members chunk by chunk. */
  async import(tenant: Tenant, segmentId: string, file: CsvFile): Promise<ImportDto> {
    const [segment] = await this.database.rows<SegmentRow>(tenant, { text: FIND, values: [tenant.id, segmentId], name: 'segment_get' });
    needs('imported', segment);
    return this.imports.start(tenant, file, { name: IMPORT_TARGET, ref: segmentId });
  }

  async list(tenant: Tenant, segmentId: string, query: PageQueryDto): Promise<Paged<SegmentMemberDto>> {
    const window = pageWindow<[number]>(query, `segments/${segmentId}/members`, (key) => key.length === 1 && isInt4(key[0]));
    const [segment] = await this.database.rows<SegmentRow>(tenant, { text: FIND, values: [tenant.id, segmentId], name: 'segment_get' });
    if (segment === undefined) throw new SegmentError('segment_not_found');
    const values = [tenant.id, segment.segment_no, window.after?.[0] ?? -1, window.limit + 1, window.offset];
    const rows = await this.database.rows<SegmentMemberDto & { customer_no: number }>(tenant, { text: MEMBERS, values, name: 'segment_members' });
    const shown = ({ customer_id, email, first_name, last_name }: SegmentMemberDto): SegmentMemberDto => ({ customer_id, email, first_name, last_name });
    return toPage(rows, window, { count: segment.size, relation: 'eq' }, shown, (row) => [row.customer_no]);
  }

  async add(tenant: Tenant, segmentId: string, customerIds: readonly string[]): Promise<AddedSegmentMembersDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const wanted = [...new Set(customerIds)];
      const numbers = await this.customers.hold(tx, tenant, wanted); // before the segment: so does a merge
      const segment = await this.lock(tx, tenant, segmentId, 'static');
      const added = await this.put(tx, tenant, segment, [...numbers.values()]);
      return { added, already: numbers.size - added, unknown: wanted.filter((id) => !numbers.has(id)) };
    });
  }

  async remove(tenant: Tenant, segmentId: string, customerId: string): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const segment = await this.lock(tx, tenant, segmentId, 'static');
      const no = (await this.customers.find(tx, tenant, [customerId])).get(customerId);
      const { records } = (await tx.queryRunner!.query(REMOVE_MEMBER, [tenant.id, segment.segment_no, no ?? null], true)) as { records: unknown[] };
      if (no === undefined || records.length === 0) throw new SegmentError('segment_member_not_found');
      await this.moved(tx, tenant, segment, [], [no]);
    });
  }

  /** Adds customers to a list, and tells. The caller holds the customers, and then the segment's lock. Returns how many are new there. */
  async put(tx: EntityManager, tenant: Tenant, segment: Pick<SegmentRow, 'segment_no' | 'segment_id'>, customerNos: readonly number[]): Promise<number> {
    const added = await tx.query<{ customer_no: number }[]>(ADD_MEMBERS, [tenant.id, segment.segment_no, customerNos]);
    const entered = added.map((row) => row.customer_no);
    if (entered.length > 0) await this.moved(tx, tenant, segment, entered, []);
    return entered.length;
  }

  /** Puts the survivor into the lists that the merged customer was in. Dynamic segments look at the survivor again by themselves. */
  async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    const lists = await tx.query<Pick<SegmentRow, 'segment_no' | 'segment_id'>[]>(LOCK_LISTS_OF, [tenant.id, from]);
    for (const list of lists) await this.put(tx, tenant, list, [into]);
    await this.sizes.forget(tx, tenant, from);
  }

  /** @throws SegmentError segment_not_found, invalid_state */
  async lock(tx: EntityManager, tenant: Tenant, segmentId: string, type: SegmentType): Promise<SegmentRow> {
    const [segment] = await tx.query<SegmentRow[]>(FIND_TO_CHANGE, [tenant.id, segmentId]);
    return needs(type, segment);
  }

  private async moved(tx: EntityManager, tenant: Tenant, segment: Pick<SegmentRow, 'segment_no' | 'segment_id'>, entered: number[], exited: number[]): Promise<void> {
    await this.sizes.move(tx, tenant, new Map([[segment.segment_no, { entered, exited }]]), this.clock.now());
    await this.reconciliation.announce(tx, tenant, segment.segment_id, entered, exited);
    await this.membership.followMembers(tx, tenant, segment.segment_no, [...entered, ...exited]);
  }
}

function needs(type: SegmentType, segment: SegmentRow | undefined): SegmentRow {
  if (segment === undefined) throw new SegmentError('segment_not_found');
  if (segment.type !== type) throw new SegmentError('invalid_state', { detail: `This needs a segment of type ${type}; this one is ${segment.type}.` });
  return segment;
}

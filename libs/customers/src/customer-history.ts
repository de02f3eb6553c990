import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { assertVersion, textFault, type Versions } from '#http';
import { encodeCursor, pageWindow, type Tenant } from '#kernel';
import { AuditLog } from '#tenants';
import { CustomerError } from './customers.errors.js';
import { BY_NO, LOCK_BY_NO, LOCK_TO_REMOVE, NUMBER_OF_ID } from './customers.queries.js';
import type { CustomerExportDto } from './dto/customer-export.dto.js';
import type { TimelineDto, TimelineQueryDto } from './dto/timeline.dto.js';
import { ErasedNames } from './erased-names.js';
import { forgetWaitingRows } from './forget-rows.js';
import { PersonalData, type Position, TIMELINE_TYPES, type Timeline, type TimelineEntry, type TimelineType } from './personal-data.js';
import { ProfileWriter } from './profile-writer.js';
import type { CustomerProfile } from './profile.js';
import { type Name, namesOf } from './row-names.js';
import { optOutsOf, Suppressions } from './suppressions.js';

/** The last entry seen: its instant, its type's rank, and its key within the type. */
type Key = readonly [at: number, type: number, key: string];

/** Milliseconds; years of four digits. */
const isMoment = (at: unknown): boolean => Number.isInteger(at) && Math.abs(at as number) < Date.UTC(9999, 0);

const isKey = ([at, type, key, ...rest]: unknown[]): boolean =>
  isMoment(at) && TIMELINE_TYPES[type as number] !== undefined && typeof key === 'string' && textFault(key) === null && rest.length === 0;

/** Where a type goes on: entries of one instant come type by type. */
function positionOf(type: TimelineType, after: Key | null): Position {
  if (after === null) return { at: null, key: null };
  const [at, lastType, key] = after;
  const place = TIMELINE_TYPES.indexOf(type) - lastType;
  return place === 0 ? { at: new Date(at), key } : { at: new Date(place < 0 ? at : at + 1), key: null };
}

/** What every domain knows about one person: timeline, export, erasure. */
@Injectable()
export class CustomerHistory {
  constructor(
    private readonly auditLog: AuditLog,
    private readonly database: Database,
    private readonly erasedNames: ErasedNames,
    private readonly personalData: PersonalData,
    private readonly suppressions: Suppressions,
    private readonly writer: ProfileWriter,
  ) {}

  /** Newest first, merged from all sources. Entries of one instant may fall on two pages: whatever comes in between, none is told twice. */
  async timeline(tenant: Tenant, customerId: string, query: TimelineQueryDto): Promise<TimelineDto> {
    const window = pageWindow<Key>(query, `customers/${customerId}/timeline`, isKey);
    const { limit, after } = window;
    return this.database.inTenant(tenant, async (tx) => {
      const { customer_no: customerNo } = await this.find(tx, tenant, customerId);
      const entries: (TimelineEntry & { type: TimelineType })[] = [];
      for (const [type, timeline] of this.timelines(query.type)) {
        for (const entry of await timeline(tx, tenant, customerNo, limit + 1, positionOf(type, after))) entries.push({ ...entry, type });
      }
      entries.sort((a, b) => b.at.getTime() - a.at.getTime()); // stable: entries of one instant stay in the order of their types
      const shown = entries.slice(0, limit);
      const last = shown.at(-1);
      const hasMore = entries.length > limit;
      return {
        data: shown.map(({ at, type, data }) => ({ at: at.toISOString(), type, data })) as unknown as TimelineDto['data'],
        meta: { limit, has_more: hasMore, next_cursor: hasMore && last ? encodeCursor(window, [last.at.getTime(), TIMELINE_TYPES.indexOf(last.type), last.key] satisfies Key) : null },
      };
    });
  }

  async export(tenant: Tenant, customerId: string): Promise<CustomerExportDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const { customer_no: customerNo, customer_id } = await this.find(tx, tenant, customerId);
      const data: Record<string, unknown> = {};
      for (const source of this.personalData.sources) data[source.name] = await source.export(tx, tenant, customerNo);
      return { customer_id, data };
    });
  }

  /**
   * Forgets the person. What stays names nobody: counts, amounts and instants under a number that no profile has, and the
   * keyed hashes of addresses that were opted out, which hold whoever brings the address again.
   */
  async erase(tenant: Tenant, actor: string, customerId: string, ifMatch?: Versions): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      await this.erasedNames.begin(tx, tenant);
      const { profile, names } = await this.lockToErase(tx, tenant, customerId);
      assertVersion(ifMatch, profile.version);
      await this.erasedNames.keep(tx, tenant, profile.customer_no, names);
      await this.suppressions.add(tx, tenant, optOutsOf(profile));
      for (const source of this.personalData.sources) await source.erase(tx, tenant, profile.customer_no);
      await tx.query('DELETE FROM customers WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, profile.customer_no]);
      await this.writer.mark(tx, tenant, [profile.customer_no]); // who is following it may not see that it goes
      await this.auditLog.add(tx, tenant, actor, 'customer.erased', { customer_no: profile.customer_no });
    });
  }

  private timelines(wanted: TimelineType | undefined): [TimelineType, Timeline][] {
    const types = TIMELINE_TYPES.filter((type) => wanted === undefined || type === wanted);
    return types.flatMap((type) => this.personalData.sources.flatMap(({ timelines }): [TimelineType, Timeline][] => (timelines[type] ? [[type, timelines[type]]] : [])));
  }

  /** Takes the person out of the files that wait, brings about what they said, then locks them; again, if meanwhile they got another address or somebody was merged into them. */
  private async lockToErase(tx: EntityManager, tenant: Tenant, customerId: string): Promise<{ profile: CustomerProfile; names: Name[] }> {
    await tx.query('SAVEPOINT unlocked');
    for (;;) {
      const found = await this.find(tx, tenant, customerId, BY_NO);
      const before = await namesOf(tx, tenant, found);
      await forgetWaitingRows(tx, tenant, before);
      for (const source of this.personalData.sources) await source.settle?.(tx, tenant, found.customer_no);
      const profile = await this.find(tx, tenant, customerId, LOCK_TO_REMOVE);
      if (isDeepStrictEqual(await namesOf(tx, tenant, profile), before)) return { profile, names: before };
      await tx.query('ROLLBACK TO unlocked'); // and the locks with it
    }
  }

  /** Locks the profile, unless told otherwise. Whoever was merged while we waited for the lock is the survivor. */
  private async find(tx: EntityManager, tenant: Tenant, customerId: string, lock = LOCK_BY_NO): Promise<CustomerProfile> {
    const [{ no }] = await tx.query<[{ no: number | null }]>(`SELECT ${NUMBER_OF_ID} AS no`, [tenant.id, customerId]);
    if (no === null) throw new CustomerError('customer_not_found');
    const [profile] = await tx.query<CustomerProfile[]>(lock, [tenant.id, [no]]);
    return profile ?? this.find(tx, tenant, customerId, lock);
  }
}

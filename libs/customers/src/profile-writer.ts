import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, type Tenant } from '#kernel';
import type { ConsentVoice } from './consent.js';
import { type ConsentChange, ConsentChanges, type Draft } from './consent-changes.js';
import { CustomerNumbers } from './customer-numbers.js';
import { HOLD_NUMBERS, INSERT_BARE, INSERT_PROFILES, LOCK_BY_NO, MARK_CHANGED, NUMBERS_OF_IDS, SURVIVORS, UPDATE_PROFILES } from './customers.queries.js';
import { profileColumns } from './profile-columns.js';
import { sharedOptOuts, sharersOf } from './shared-addresses.js';
import { applyPatch, blankProfile, type CustomerProfile, type ProfilePatch } from './profile.js';

/** What to make of a customer. */
export interface ProfileRow {
  customerId: string;
  patch: ProfilePatch;
}

/**
 * The one writer of profiles: locks the rows, decides in memory, writes back in one statement what really changed, and
 * tells the suppressions, the consent log and the queue of changed customers.
 *
 * New rows first, in the order of their ids, then locks in the order of their numbers: so two writers never wait for each
 * other in a circle, however their customers overlap.
 */
@Injectable()
export class ProfileWriter {
  constructor(
    private readonly clock: Clock,
    private readonly consents: ConsentChanges,
    private readonly numbers: CustomerNumbers,
  ) {}

  /** Makes bare profiles of the ids nobody has. Of two callers at once one creates and the other finds. */
  async ensure(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    const ids = [...new Set(customerIds)];
    const numbers = await this.hold(tx, tenant, ids);
    const missing = ids.filter((id) => !numbers.has(id));
    if (missing.length === 0) return numbers;
    const fresh = await this.numbers.take(tenant, missing.length);
    const inserted = await tx.query<{ customer_no: number; customer_id: string }[]>(INSERT_BARE, [tenant.id, fresh, missing, this.clock.now()]);
    for (const row of inserted) numbers.set(row.customer_id, row.customer_no);
    await this.mark(tx, tenant, inserted.map((row) => row.customer_no));
    const raced = missing.filter((id) => !numbers.has(id));
    if (raced.length > 0) for (const [id, no] of await this.ensure(tx, tenant, raced)) numbers.set(id, no);
    return numbers;
  }

  /** The numbers of those that exist, who can be neither merged nor erased until the transaction ends. Of whoever was just before, who has the id now. */
  async hold(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    const numbers = new Map<string, number>();
    for (let ids = customerIds; ids.length > 0; ) {
      const rows = await tx.query<{ customer_no: number; customer_id: string; held: boolean }[]>(HOLD_NUMBERS, [tenant.id, ids]);
      for (const row of rows) if (row.held) numbers.set(row.customer_id, row.customer_no);
      ids = rows.filter((row) => !row.held).map((row) => row.customer_id);
    }
    return numbers;
  }

  async numbersOf(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    if (customerIds.length === 0) return new Map();
    const rows = await tx.query<{ customer_no: number; customer_id: string }[]>(NUMBERS_OF_IDS, [tenant.id, customerIds]);
    return new Map(rows.map((row) => [row.customer_id, row.customer_no]));
  }

  /**
   * Creates or changes; a customer named twice is changed twice, in the order given.
   *
   * @returns one answer a row; of a customer created and named twice only the first says so
   */
  async upsert(tx: EntityManager, tenant: Tenant, rows: readonly ProfileRow[], voice: ConsentVoice): Promise<{ customerNo: number; created: boolean }[]> {
    const known = await this.numbersOf(tx, tenant, [...new Set(rows.map((row) => row.customerId))]);
    const { created, consents } = await this.create(tx, tenant, rows.filter((row) => !known.has(row.customerId)), voice);
    const raced = rows.map((row) => row.customerId).filter((id) => !known.has(id) && !created.has(id));
    for (const [id, no] of await this.numbersOf(tx, tenant, raced)) known.set(id, no);
    const sharers = await sharersOf(tx, tenant, rows.map(({ customerId, patch }) => ({ customerNo: known.get(customerId), patch })));
    const updated = await this.update(tx, tenant, rows.filter((row) => known.has(row.customerId)), known, voice, { sharers, consents });
    const numbers = updated.size === 0 ? new Map(created) : new Map([...created, ...updated]);
    const gone = rows.filter((row) => !numbers.has(row.customerId)); // merged or erased since we looked: whoever names them now means the survivor, or makes them anew
    const again = gone.length === 0 ? [] : await this.upsert(tx, tenant, gone, voice);
    return rows.map((row) => {
      const customerNo = numbers.get(row.customerId);
      return customerNo === undefined ? again.shift()! : { customerNo, created: created.delete(row.customerId) };
    });
  }

  /** Inserts those that nobody has, complete: a bare row filled in a second statement would be written, and indexed, twice. Returns whom it made, with what they said; another caller may be faster. */
  private async create(tx: EntityManager, tenant: Tenant, rows: readonly ProfileRow[], voice: ConsentVoice): Promise<{ created: Map<string, number>; consents: ConsentChange[] }> {
    const ids = [...new Set(rows.map((row) => row.customerId))];
    if (ids.length === 0) return { created: new Map(), consents: [] };
    const numbers = await this.numbers.take(tenant, ids.length);
    const drafts = new Map<string, Draft>();
    for (const [index, id] of ids.entries()) {
      const blank = blankProfile(numbers[index]!, id);
      drafts.set(id, { before: blank, now: blank });
    }
    const decided = await this.draft(tx, tenant, drafts.values(), rows.map(({ customerId, patch }) => ({ draft: drafts.get(customerId)!, patch })), voice);
    const profiles = [...drafts.values()].map(({ now }) => now);
    const [{ made }] = await tx.query<[{ made: number[] | null }]>(INSERT_PROFILES, [tenant.id, this.clock.now(), ...profileColumns(profiles)]);
    const some = made === null ? null : new Set(made);
    const isMade = (customerNo: number): boolean => some === null || some.has(customerNo);
    const consents = decided.filter(({ customerNo }) => isMade(customerNo));
    await this.consents.record(tx, tenant, consents);
    const created = new Map<string, number>();
    for (const { customer_id, customer_no } of profiles) if (isMade(customer_no)) created.set(customer_id, customer_no);
    return { created, consents };
  }

  /** Changes those that exist, and who shares an address that was opted out, also by those just made. Returns whom it found. */
  private async update(
    tx: EntityManager, tenant: Tenant, rows: readonly ProfileRow[], numbers: ReadonlyMap<string, number>, voice: ConsentVoice, { sharers, consents }: { sharers: readonly number[]; consents: readonly ConsentChange[] },
  ): Promise<Map<string, number>> {
    if (rows.length === 0 && sharers.length === 0) return new Map();
    const numbered = rows.map(({ customerId, patch }) => ({ customerId, customerNo: numbers.get(customerId)!, patch }));
    const locked = await tx.query<CustomerProfile[]>(LOCK_BY_NO, [tenant.id, [...new Set([...numbered.map((row) => row.customerNo), ...sharers])]]);
    const there = new Set(locked.map((profile) => profile.customer_no));
    const found = numbered.filter((row) => there.has(row.customerNo));
    await this.apply(tx, tenant, locked, found, voice, consents);
    return new Map(found.map(({ customerId, customerNo }) => [customerId, customerNo]));
  }

  /** Changes customers that exist; a number of nobody is passed over. */
  async change(tx: EntityManager, tenant: Tenant, rows: readonly { customerNo: number; patch: ProfilePatch }[], voice: ConsentVoice): Promise<void> {
    if (rows.length === 0) return;
    const { profiles, current } = await this.lock(tx, tenant, [...rows.map((row) => row.customerNo), ...(await sharersOf(tx, tenant, rows))]);
    await this.apply(tx, tenant, profiles, rows.map(({ customerNo, patch }) => ({ customerNo: current(customerNo), patch })), voice);
  }

  /** Whoever was merged away since their number was read stands for the survivor: what was said of them must not be lost. */
  private async lock(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<{ profiles: CustomerProfile[]; current(no: number): number }> {
    const wanted = [...new Set(customerNos)];
    const profiles = await tx.query<CustomerProfile[]>(LOCK_BY_NO, [tenant.id, wanted]);
    if (profiles.length === wanted.length) return { profiles, current: (no) => no };
    const found = new Set(profiles.map((profile) => profile.customer_no));
    const survivors = await this.survivors(tx, tenant, wanted.filter((no) => !found.has(no)));
    if (survivors.size === 0) return { profiles, current: (no) => no };
    const rest = await this.lock(tx, tenant, [...survivors.values()].filter((no) => !found.has(no)));
    return { profiles: [...profiles, ...rest.profiles], current: (no) => rest.current(survivors.get(no) ?? no) };
  }

  /** Who the merged ones of these are now. */
  async survivors(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, number>> {
    const rows = await tx.query<{ merged_no: number; customer_no: number }[]>(SURVIVORS, [tenant.id, customerNos]);
    return new Map(rows.map((row) => [row.merged_no, row.customer_no]));
  }

  async mark(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<void> {
    if (customerNos.length > 0) await tx.query(MARK_CHANGED, [tenant.id, [...new Set(customerNos)]]);
  }

  private async apply(tx: EntityManager, tenant: Tenant, locked: CustomerProfile[], rows: readonly { customerNo: number; patch: ProfilePatch }[], voice: ConsentVoice, said: readonly ConsentChange[] = []): Promise<void> {
    const drafts = new Map<number, Draft>(locked.map((profile) => [profile.customer_no, { before: profile, now: profile }]));
    const known = rows.flatMap(({ customerNo, patch }) => {
      const draft = drafts.get(customerNo);
      return draft === undefined ? [] : [{ draft, patch }];
    });
    const consents = await this.draft(tx, tenant, drafts.values(), known, voice, said);
    const changed = [...drafts.values()].filter(({ before, now }) => before !== now && !isDeepStrictEqual(before, now)).map(({ now }) => ({ ...now, version: now.version + 1 }));
    if (changed.length > 0) await tx.query(UPDATE_PROFILES, [tenant.id, this.clock.now(), ...profileColumns(changed)]);
    await this.consents.record(tx, tenant, consents);
    await this.mark(tx, tenant, changed.map((profile) => profile.customer_no));
  }

  /** Fills in the drafts, consents included; tells the consents that changed. */
  private async draft(
    tx: EntityManager, tenant: Tenant, drafts: Iterable<Draft>, rows: readonly { draft: Draft; patch: ProfilePatch }[], voice: ConsentVoice, said: readonly ConsentChange[] = [],
  ): Promise<ConsentChange[]> {
    for (const { draft, patch } of rows) draft.now = applyPatch(draft.now, patch);
    const consents = await this.consents.decide(tx, tenant, rows, voice);
    const shared = sharedOptOuts([...said, ...consents], drafts);
    return shared.length === 0 ? consents : [...consents, ...(await this.consents.decide(tx, tenant, shared, voice))];
  }
}

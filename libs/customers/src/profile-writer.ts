import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Contention } from '#database';
import { Clock, type Tenant } from '#kernel';
import type { ConsentVoice } from './consent.js';
import { type ConsentChange, ConsentChanges } from './consent-changes.js';
import type { Draft } from './draft.js';
import { CustomerNumbers } from './customer-numbers.js';
import { FormerNames, type Renaming } from './former-names.js';
import { HOLD_NUMBERS, INSERT_BARE, INSERT_PROFILES, LOCK_BY_NO, MARK_CHANGED, NUMBERS_OF_IDS, SURVIVORS, UPDATE_PROFILES } from './customers.queries.js';
import { profileColumns } from './profile-columns.js';
import { SHARES, walkAddresses } from './address-locks.js';
import { sharersOf } from './shared-addresses.js';
import { type ClosedAddress, NOTHING } from './suppressions.js';
import { blankProfile, type CustomerProfile, type ProfilePatch } from './profile.js';

/** What to make of a customer. */
export interface ProfileRow {
  customerId: string;
  patch: ProfilePatch;
}

/**
 * The one writer of profiles: locks the rows, decides in memory, writes back in one statement what really changed, and
 * tells the suppressions, the consent log and the queue of changed customers.
 *
 * New rows first, in the order of their ids, then locks in the order of their numbers, then those of addresses: so two writers never wait
 * for each other in a circle, however their customers and their customers' addresses overlap.
 */
@Injectable()
export class ProfileWriter {
  constructor(
    private readonly clock: Clock,
    private readonly consents: ConsentChanges,
    private readonly numbers: CustomerNumbers,
    private readonly formerNames: FormerNames,
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
    const { made, locked, numbers } = await this.gather(tx, tenant, rows, voice);
    const numbered = rows.map(({ customerId, patch }) => ({ customerNo: numbers.get(customerId)!, patch }));
    await this.apply(tx, tenant, { made, locked, rows: numbered }, voice);
    const created = new Set(made.stored.keys());
    return numbered.map(({ customerNo }) => ({ customerNo, created: created.delete(customerNo) }));
  }

  /** Makes those whom nobody has, and locks the others with whoever shares an address that is opted out: again for those merged or erased since we looked, of whom the survivor is meant, or somebody new. */
  private async gather(tx: EntityManager, tenant: Tenant, rows: readonly ProfileRow[], voice: ConsentVoice): Promise<{ made: Made; locked: Map<number, CustomerProfile>; numbers: Map<string, number> }> {
    const numbers = await this.numbersOf(tx, tenant, [...new Set(rows.map((row) => row.customerId))]);
    const made = await this.create(tx, tenant, rows.filter((row) => !numbers.has(row.customerId)), voice);
    for (const { customer_id, customer_no } of made.stored.values()) numbers.set(customer_id, customer_no);
    const raced = rows.map((row) => row.customerId).filter((id) => !numbers.has(id));
    for (const [id, no] of raced.length === 0 ? [] : await this.numbersOf(tx, tenant, raced)) numbers.set(id, no);
    const sharers = await sharersOf(tx, tenant, rows.map(({ customerId, patch }) => ({ customerNo: numbers.get(customerId), patch })));
    const known = new Set([...numbers.values(), ...sharers].filter((no) => !made.stored.has(no)));
    const locked = new Map((known.size === 0 ? [] : await tx.query<CustomerProfile[]>(LOCK_BY_NO, [tenant.id, [...known]])).map((profile) => [profile.customer_no, profile]));
    const gone = rows.filter(({ customerId }) => !made.stored.has(numbers.get(customerId)!) && !locked.has(numbers.get(customerId)!));
    if (gone.length === 0) return { made, locked, numbers };
    const again = await this.gather(tx, tenant, gone, voice);
    return {
      made: { stored: new Map([...made.stored, ...again.made.stored]), changes: null },
      locked: new Map([...locked, ...again.locked]),
      numbers: new Map([...numbers, ...again.numbers]),
    };
  }

  /** Inserts those that nobody has, complete: a bare row filled in a second statement would be written, and indexed, twice. As if nobody had opted an address of theirs out; another caller may be faster. */
  private async create(tx: EntityManager, tenant: Tenant, rows: readonly ProfileRow[], voice: ConsentVoice): Promise<Made> {
    const ids = [...new Set(rows.map((row) => row.customerId))];
    if (ids.length === 0) return { stored: new Map(), changes: [] };
    const numbers = await this.numbers.take(tenant, ids.length);
    const drafts = new Map<string, Draft>();
    for (const [index, id] of ids.entries()) drafts.set(id, blankDraft(numbers[index]!, id));
    const changes = this.consents.fill(drafts.values(), rows.map(({ customerId, patch }) => ({ draft: drafts.get(customerId)!, patch })), NOTHING, voice);
    const profiles = [...drafts.values()].map(({ now }) => now);
    const [{ made }] = await tx.query<[{ made: number[] | null }]>(INSERT_PROFILES, [tenant.id, this.clock.now(), ...profileColumns(profiles)]);
    const some = made === null ? null : new Set(made);
    const stored = new Map<number, CustomerProfile>();
    for (const profile of profiles) if (some === null || some.has(profile.customer_no)) stored.set(profile.customer_no, profile);
    return { stored, changes: some === null ? changes : null };
  }

  /** Changes customers that exist, and closes addresses; a number of nobody is passed over. */
  async change(tx: EntityManager, tenant: Tenant, rows: readonly { customerNo: number; patch: ProfilePatch }[], voice: ConsentVoice, closed: readonly ClosedAddress[] = []): Promise<void> {
    if (rows.length + closed.length === 0) return;
    const { profiles, current } = await this.lock(tx, tenant, [...rows.map((row) => row.customerNo), ...(await sharersOf(tx, tenant, rows, closed))]);
    const locked = new Map(profiles.map((profile) => [profile.customer_no, profile]));
    await this.apply(tx, tenant, { locked, rows: rows.map(({ customerNo, patch }) => ({ customerNo: current(customerNo), patch })), closed }, voice);
  }

  /** Closes addresses, and tells whoever has them; of work that has locked its customers already. */
  close(tx: EntityManager, tenant: Tenant, closed: readonly ClosedAddress[], voice: ConsentVoice): Promise<void> {
    return closed.length === 0 ? Promise.resolve() : this.apply(tx, tenant, { locked: new Map(), rows: [], closed }, voice);
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

  /** Writes what the rows make of the customers, all of whom are locked or just made. From the addresses' locks on it waits for nobody's row, and sees whatever was said of them before. */
  private async apply(tx: EntityManager, tenant: Tenant, { made = NOBODY, locked, rows, closed = [] }: Work, voice: ConsentVoice): Promise<void> {
    if (closed.length === 0 && areNewcomers(made, rows) && (await this.consents.nothingStands(tx, tenant))) return this.consents.record(tx, tenant, made.changes);
    const drafts = new Map<number, Draft>();
    for (const { customer_no, customer_id } of made.stored.values()) drafts.set(customer_no, blankDraft(customer_no, customer_id));
    for (const profile of locked.values()) drafts.set(profile.customer_no, { before: profile, now: profile });
    const known = rows.flatMap(({ customerNo, patch }) => {
      const draft = drafts.get(customerNo);
      return draft === undefined ? [] : [{ draft, patch }];
    });
    const { met, touched } = walkAddresses(known);
    await this.consents.lockAddresses(tx, tenant, touched, closed);
    const late = await this.lockLate(tx, tenant, (await sharersOf(tx, tenant, rows, closed)).filter((no) => !drafts.has(no)));
    for (const profile of late) drafts.set(profile.customer_no, { before: profile, now: profile });
    const suppressions = await this.consents.suppressionsOf(tx, tenant, met, closed);
    const asMade = suppressions === NOTHING && made.changes !== null && drafts.size === made.stored.size;
    const changes = asMade ? made.changes! : this.consents.fill(drafts.values(), known, suppressions, voice, closed);
    if (!asMade) await this.write(tx, tenant, drafts.values(), made.stored);
    await this.consents.record(tx, tenant, changes);
  }

  /** Those among the drafts who are not as they stand in the table. */
  private async write(tx: EntityManager, tenant: Tenant, drafts: Iterable<Draft>, made: Made['stored']): Promise<void> {
    const changed: CustomerProfile[] = [];
    const renamed: Renaming[] = [];
    for (const { before, now } of drafts) {
      if (before.email !== now.email || before.phone !== now.phone) renamed.push({ before, now });
      const inserted = made.get(now.customer_no);
      if (now !== before && !isDeepStrictEqual(inserted ?? before, now)) changed.push(inserted === undefined ? { ...now, version: now.version + 1 } : now);
    }
    if (changed.length > 0) await tx.query(UPDATE_PROFILES, [tenant.id, this.clock.now(), ...profileColumns(changed)]);
    await this.formerNames.keep(tx, tenant, this.clock.now(), renamed);
    await this.mark(tx, tenant, changed.map((profile) => profile.customer_no));
  }

  /** Those who got an address since it was asked who has it: without waiting, since who holds them may wait for the address. */
  private async lockLate(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<CustomerProfile[]> {
    if (customerNos.length === 0) return [];
    const late = await tx.query<CustomerProfile[]>(`${LOCK_BY_NO} SKIP LOCKED`, [tenant.id, customerNos]);
    if (late.length < customerNos.length) throw new Contention('Somebody else is changing who has the address.');
    return late;
  }
}

/** Customers just inserted, by their numbers, as they were; and what they said, null when not all could be. */
interface Made {
  stored: ReadonlyMap<number, CustomerProfile>;
  changes: ConsentChange[] | null;
}

const NOBODY: Made = { stored: new Map(), changes: null };

/** An import's chunk of people who are all new and opt out of nothing, for whom looking at each address would take longer than everything else here. */
const areNewcomers = (made: Made, rows: Work['rows']): made is Made & { changes: ConsentChange[] } =>
  made.changes !== null && rows.length >= SHARES && rows.every(({ customerNo, patch }) => made.stored.has(customerNo) && !optsOut(patch));

const optsOut = ({ consents }: ProfilePatch): boolean => consents !== null && consents !== undefined && Object.values(consents).some((consent) => consent?.status === 'unsubscribed');

interface Work {
  made?: Made;
  locked: ReadonlyMap<number, CustomerProfile>;
  rows: readonly { customerNo: number; patch: ProfilePatch }[];
  closed?: readonly ClosedAddress[];
}

function blankDraft(customerNo: number, customerId: string): Draft {
  const blank = blankProfile(customerNo, customerId);
  return { before: blank, now: blank };
}

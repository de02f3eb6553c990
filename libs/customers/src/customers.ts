import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { normaliseEmail, normalisePhone } from './contact.js';
import { MERGE_AGAIN } from './customer-merge.js';
import { ADD_ORDER_FACTS, LOCK_NUMBERS, MERGES_OF, OF_TENANT, PROFILE_COLUMNS } from './customers.queries.js';
import { ErasedNames } from './erased-names.js';
import { FormerNames } from './former-names.js';
import { ProfileWriter } from './profile-writer.js';
import { namesOf, numberName } from './row-names.js';
import { type ClosedAddress, normaliseAddress } from './suppressions.js';
import type { Channel, CustomerProfile, ProfilePatch } from './profile.js';

/** The change of one customer's order facts. */
export interface OrderFacts {
  customerNo: number;
  /** Orders that count from now on. */
  orders: number;
  /** Minor units; negative for refunds. */
  spent: number;
  firstAt: Date | null;
  lastAt: Date | null;
}

/** The median time, in seconds, between a customer's orders. */
export interface OrderGap {
  customerNo: number;
  seconds: number;
}

/** Implemented by the domain that has the orders: the gaps of those customers who have a median. */
export type OrderGaps = (tx: EntityManager, tenant: Tenant, customerNos: readonly number[]) => Promise<OrderGap[]>;

/** A customer who has an address. */
export interface AddressHolder {
  customerNo: number;
  /** Normalised. */
  address: string;
  /** Whether they ever consented, on the address's channel, whatever they have said since. */
  hasConsented: boolean;
}

export interface ConsentSetting {
  customerNo: number;
  channel: Channel;
  /** `unknown` takes back an opt-out without giving consent. */
  status: 'subscribed' | 'unsubscribed' | 'unknown';
  /** Where the customer did it, such as `unsubscribe_link` or `webhook:sendgrid`. */
  source: string;
  at: Date;
}

/** The customers as other domains use them. Internally a customer is a number, dense within the tenant; `customer_id` is the caller's name for it. */
@Injectable()
export class Customers {
  constructor(
    private readonly clock: Clock,
    private readonly erasedNames: ErasedNames,
    private readonly formerNames: FormerNames,
    private readonly jobs: Jobs,
    private readonly writer: ProfileWriter,
  ) {}

  /** The numbers of all these ids, held as by {@link hold}; an id nobody has becomes a bare profile. */
  ensure(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    return this.writer.ensure(tx, tenant, customerIds);
  }

  /** The numbers of those that exist, to write under: they can be neither merged nor erased until the transaction ends. Before any lock on what they are put into. */
  hold(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    return this.writer.hold(tx, tenant, customerIds);
  }

  /** The numbers of those that exist, to read by. */
  find(tx: EntityManager, tenant: Tenant, customerIds: readonly string[]): Promise<Map<string, number>> {
    return this.writer.numbersOf(tx, tenant, customerIds);
  }

  async idsOf(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, string>> {
    if (customerNos.length === 0) return new Map();
    const rows = await tx.query<{ customer_no: number; customer_id: string }[]>(
      `SELECT customer_no, customer_id FROM customers WHERE ${OF_TENANT} AND customer_no = ANY ($2::int[])`, [tenant.id, customerNos],
    );
    return new Map(rows.map((row) => [row.customer_no, row.customer_id]));
  }

  /** The survivors of those that were merged away. A message keeps the number it was sent under. */
  survivors(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, number>> {
    return this.writer.survivors(tx, tenant, customerNos);
  }

  /** Who of these was merged away, or had another merged into them: who was merged, with who they are now. */
  async mergesOf(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, number>> {
    const rows = await tx.query<{ merged_no: number; customer_no: number }[]>(MERGES_OF, [tenant.id, customerNos]);
    return new Map(rows.map((row) => [row.merged_no, row.customer_no]));
  }

  /** Call on finding something under a number that was merged away: the survivor gets it after this transaction. */
  async mergeAgain(tx: EntityManager, tenant: Tenant, mergedNos: readonly number[]): Promise<void> {
    for (const merged_no of new Set(mergedNos)) await this.jobs.enqueue(tx, tenant, MERGE_AGAIN, { merged_no });
  }

  async profiles(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, CustomerProfile>> {
    if (customerNos.length === 0) return new Map();
    const rows = await tx.query<CustomerProfile[]>(
      `SELECT ${PROFILE_COLUMNS} FROM customers WHERE ${OF_TENANT} AND customer_no = ANY ($2::int[])`, [tenant.id, customerNos],
    );
    return new Map(rows.map((row) => [row.customer_no, row]));
  }

  /** All names of somebody, as {@link ErasedNames.hash} keeps them: their number and id and those merged into them, their email and phone, and those that they had until 30 days ago. */
  async namesOf(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<Buffer[]> {
    const profile = (await this.profiles(tx, tenant, [customerNo])).get(customerNo);
    if (profile === undefined) return [];
    const merged = [...(await this.mergesOf(tx, tenant, [customerNo]))].flatMap(([from, into]) => (into === customerNo ? [from] : []));
    const names = [...(await namesOf(tx, tenant, profile)), ...[customerNo, ...merged].map((no) => numberName(tenant.id, no))];
    return [...names.map((name) => this.erasedNames.hash(name)), ...(await this.formerNames.of(tx, tenant, customerNo))];
  }

  /** The customers who have the addresses, by the address as given; if several share one, the one with the lowest number. */
  async findByAddresses(tx: EntityManager, tenant: Tenant, channel: 'email' | 'sms', addresses: readonly string[]): Promise<Map<string, number>> {
    const normalise = channel === 'email' ? normaliseEmail : normalisePhone;
    const normalised = new Map(addresses.map((address) => [address, normalise(address)]));
    const wanted = [...new Set(normalised.values())].filter((one) => one !== null);
    if (wanted.length === 0) return new Map();
    const column = channel === 'email' ? 'email' : 'phone';
    const rows = await tx.query<{ address: string; customer_no: number }[]>(
      `SELECT ${column} AS address, min(customer_no) AS customer_no FROM customers WHERE ${OF_TENANT} AND ${column} = ANY ($2::text[]) GROUP BY 1`, [tenant.id, wanted],
    );
    const found = new Map(rows.map((row) => [row.address, row.customer_no]));
    return new Map([...normalised].flatMap(([address, one]) => (one !== null && found.has(one) ? [[address, found.get(one)!]] : [])));
  }

  /** Everybody who has one of the addresses, and whether they have ever consented to messages there. */
  async holdersOf(tx: EntityManager, tenant: Tenant, channel: 'email' | 'sms', addresses: readonly string[]): Promise<AddressHolder[]> {
    if (addresses.length === 0) return [];
    const column = channel === 'email' ? 'email' : 'phone';
    return tx.query<AddressHolder[]>(
      `SELECT customer_no AS "customerNo", ${column} AS address, consent_${channel} = 'subscribed' OR EXISTS (
                SELECT FROM consent_log l WHERE l.tenant_id = $1 AND l.customer_no = customers.customer_no AND l.channel = $3 AND l.status = 'subscribed') AS "hasConsented"
         FROM customers WHERE ${OF_TENANT} AND ${column} = ANY ($2::text[])`, [tenant.id, addresses, channel],
    );
  }

  /** Creates or changes one customer as reported by another system; an invalid email or phone is left out. */
  async upsertOne(tx: EntityManager, tenant: Tenant, customerId: string, patch: ProfilePatch): Promise<number> {
    const [customerNo] = await this.upsertMany(tx, tenant, [{ customerId, patch }]);
    return customerNo!;
  }

  /** The same for many, in the order given. */
  async upsertMany(tx: EntityManager, tenant: Tenant, rows: readonly { customerId: string; patch: ProfilePatch }[]): Promise<number[]> {
    if (rows.length === 0) return [];
    const written = await this.writer.upsert(tx, tenant, rows.map(({ customerId, patch }) => ({ customerId, patch: clean(patch) })), 'sync');
    return written.map((one) => one.customerNo);
  }

  /**
   * Adds to the facts that segments and lists read; several rows of one customer add up.
   *
   * @param gaps asked for those with new orders once their rows are locked: so it sees the orders of whoever was before; left out, the gaps stay
   */
  async recordOrderFacts(tx: EntityManager, tenant: Tenant, rows: readonly OrderFacts[], gaps?: OrderGaps): Promise<void> {
    if (rows.length === 0) return;
    const numbers = rows.map((row) => row.customerNo);
    await tx.query(LOCK_NUMBERS, [tenant.id, numbers]);
    const ordered = gaps === undefined ? [] : [...new Set(rows.filter((row) => row.orders > 0).map((row) => row.customerNo))];
    const told = new Map(ordered.length === 0 ? [] : (await gaps!(tx, tenant, ordered)).map((gap) => [gap.customerNo, gap.seconds]));
    await tx.query(ADD_ORDER_FACTS, [
      tenant.id, numbers, rows.map((row) => row.orders), rows.map((row) => row.spent), rows.map((row) => row.firstAt), rows.map((row) => row.lastAt), this.clock.now(),
      ordered, ordered.map((customerNo) => told.get(customerNo) ?? null),
    ]);
    await this.markChanged(tx, tenant, numbers);
  }

  /** Has the segments evaluate these customers again. */
  markChanged(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<void> {
    return this.writer.mark(tx, tenant, customerNos);
  }

  /**
   * Records what customers themselves decided. An opt-out suppresses their address, and is one of whoever shares it; a consent lifts an older
   * opt-out, never a bounce. Nobody decided anything in the future. What is said of addresses rather than of people comes first.
   */
  async setConsent(tx: EntityManager, tenant: Tenant, changes: readonly ConsentSetting[], closed: readonly ClosedAddress[] = []): Promise<void> {
    const now = this.clock.now();
    const rows = changes.map(({ customerNo, channel, status, source, at }) => ({ customerNo, patch: { consents: { [channel]: { status, source, at: (at < now ? at : now).toISOString() } } } }));
    await this.writer.change(tx, tenant, rows, 'act', closed.map((one) => ({ ...one, at: one.at < now ? one.at : now, ...(typeof one.address === 'string' && { address: normaliseAddress(one.channel, one.address) }) })));
  }
}

/** Leaves out an invalid email or phone. */
function clean({ email, phone, ...patch }: ProfilePatch): ProfilePatch {
  const cleaned: ProfilePatch = { ...patch };
  if (email !== undefined) cleaned.email = email === null ? null : (normaliseEmail(email) ?? undefined);
  if (phone !== undefined) cleaned.phone = phone === null ? null : (normalisePhone(phone) ?? undefined);
  return cleaned;
}

import type { EntityManager } from 'typeorm';
import { prepared } from '#database';
import type { Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { ADDRESS_OWNERS, type ClaimedRow, LEAVE_ADDRESSES, TAKE_ADDRESSES } from './ledger.queries.js';

/** Somebody of a batch, with the keyed hash of their address. */
export interface Sharer {
  row: Pick<ClaimedRow, 'customer_no' | 'attempts'>;
  hash: Buffer;
}

/** One address gets one message of a mailing, however many customers share it: the first customer for whom a message can be written owns it. */
export class SharedAddresses {
  private readonly left = new Map<string, Sharer>();
  private readonly heirs = new Map<string, Sharer>();

  private constructor(
    private readonly key: readonly [tenantId: number, campaignNo: number, channel: Channel],
    private readonly owners: ReadonlySet<number>,
  ) {}

  /** Gives addresses without an owner to customers of the batch. */
  static async take(tx: EntityManager, tenant: Tenant, campaignNo: number, channel: Channel, batch: readonly Sharer[]): Promise<SharedAddresses> {
    const key = [tenant.id, campaignNo, channel] as const;
    const values = [...key, ...columns(batch)];
    const taken = await prepared<{ customer_no: number }>(tx, { name: 'addresses_take', text: TAKE_ADDRESSES, values });
    // Unless all were given just now, some had an owner before, or are shared within the batch.
    const owners = taken.length === batch.length ? taken : await prepared<{ customer_no: number }>(tx, { name: 'addresses_owners', text: ADDRESS_OWNERS, values });
    return new SharedAddresses(key, new Set(owners.map((owner) => owner.customer_no)));
  }

  /** Owners first, so that an address they leave can go to another of the batch. */
  inOrder<T extends Sharer>(batch: readonly T[]): T[] {
    const [first, others] = [batch.filter(({ row }) => this.owners.has(row.customer_no)), batch.filter(({ row }) => !this.owners.has(row.customer_no))];
    return [...first, ...others];
  }

  /** Whether they own the address, or inherit it now from an owner who left it. */
  isFor(one: Sharer): boolean {
    if (this.owners.has(one.row.customer_no)) return true;
    const name = one.hash.toString('base64');
    if (!this.left.has(name) || this.heirs.has(name)) return false;
    this.heirs.set(name, one);
    return true;
  }

  /** Gives the address up, as no message can be written for them. After an earlier try one may have arrived, and they keep it. */
  leave(one: Sharer): void {
    const name = one.hash.toString('base64');
    if (this.heirs.get(name) === one) this.heirs.delete(name);
    else if (one.row.attempts === 0) this.left.set(name, one);
  }

  /** Stores which addresses were left, and to whom they went. */
  async keep(tx: EntityManager): Promise<void> {
    if (this.left.size === 0) return;
    await tx.query(LEAVE_ADDRESSES, [...this.key, ...columns([...this.left.values()])]);
    await tx.query(TAKE_ADDRESSES, [...this.key, ...columns([...this.heirs.values()])]);
  }
}

const columns = (some: readonly Sharer[]): [Buffer[], number[]] => [some.map(({ hash }) => hash), some.map(({ row }) => row.customer_no)];

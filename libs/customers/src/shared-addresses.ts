import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Draft } from './draft.js';
import { OF_TENANT } from './customers.queries.js';
import { addressOf, type Channel, type ProfilePatch } from './profile.js';
import type { ClosedAddress } from './suppressions.js';

/**
 * An opt-out is of an address: whoever else has it has opted out, too, and is to be locked with the rest. A browser's push
 * subscription is shared by nobody who is looked for.
 */
const SHARED = { email: 'email', sms: 'phone' } as const;
const SHARED_CHANNELS = Object.keys(SHARED) as (keyof typeof SHARED)[];

/** Of these customers, and of these addresses. $1 tenant, $2 numbers, $3 addresses */
const sharers = (channel: keyof typeof SHARED): string => `
  SELECT customer_no FROM customers
   WHERE ${OF_TENANT} AND consent_${channel} <> 'unsubscribed' AND ${SHARED[channel]} = ANY (ARRAY (
     SELECT ${SHARED[channel]} FROM customers WHERE ${OF_TENANT} AND customer_no = ANY ($2::int[]) UNION SELECT unnest($3::text[])))`;

/** Everybody who has an address that one of the rows may opt out, or that is closed as opted out, and has not opted out of it. */
export async function sharersOf(tx: EntityManager, tenant: Tenant, rows: readonly { customerNo?: number; patch: ProfilePatch }[], closed: readonly ClosedAddress[] = []): Promise<number[]> {
  const found: number[] = [];
  for (const channel of SHARED_CHANNELS) {
    const optOuts = rows.filter(({ patch }) => patch.consents?.[channel]?.status === 'unsubscribed');
    const addresses = closed.flatMap((one) => (one.channel === channel && one.source !== undefined && typeof one.address === 'string' ? [one.address] : []));
    if (optOuts.length + addresses.length === 0) continue;
    // Of whoever moves, an earlier row of the same customer may tell where to: all of theirs are asked for.
    const numbers = new Set(optOuts.flatMap(({ customerNo }) => customerNo ?? []));
    const whole = new Set(optOuts.map(({ patch }) => patch));
    for (const { customerNo, patch } of rows) {
      const address = patch[SHARED[channel]];
      if (typeof address === 'string' && (whole.has(patch) || (customerNo !== undefined && numbers.has(customerNo)))) addresses.push(address);
    }
    found.push(...(await tx.query<{ customer_no: number }[]>(sharers(channel), [tenant.id, [...numbers], addresses])).map((row) => row.customer_no));
  }
  return found;
}

/** Who of the drafts has an address at the moment, asked only where somebody opts out. */
export class Holders {
  private byAddress: Map<string, Set<Draft>> | null = null;

  constructor(private readonly drafts: Iterable<Draft>) {}

  of(channel: Channel, address: string): Draft[] {
    if (channel === 'push') return [];
    this.byAddress ??= this.index();
    return [...(this.byAddress.get(`${channel}:${address}`) ?? [])];
  }

  /** The draft was as `before` until now. */
  follow(draft: Draft, before: Draft['now']): void {
    if (this.byAddress === null || before === draft.now) return;
    for (const channel of SHARED_CHANNELS) {
      this.byAddress.get(`${channel}:${addressOf(before, channel)}`)?.delete(draft);
      this.put(this.byAddress, channel, draft);
    }
  }

  private index(): Map<string, Set<Draft>> {
    const index = new Map<string, Set<Draft>>();
    for (const draft of this.drafts) for (const channel of SHARED_CHANNELS) this.put(index, channel, draft);
    return index;
  }

  private put(index: Map<string, Set<Draft>>, channel: Channel, draft: Draft): void {
    const key = `${channel}:${addressOf(draft.now, channel)}`;
    const holders = index.get(key);
    if (holders === undefined) index.set(key, new Set([draft]));
    else holders.add(draft);
  }
}

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Draft } from './draft.js';
import { addressOf, CHANNELS, type Channel, endpointOf, type ProfilePatch } from './profile.js';
import type { Suppressions } from './suppressions.js';

/**
 * Whoever opts an address out must see all who have it, and whoever takes an address must see whether it was opted out: concurrently, neither
 * would see the other. So both first lock the address, until the transaction ends, and then look: opting out takes an exclusive lock, taking an address
 * a shared one. The locks are on {@link SHARES} shares of all addresses, so that a thousand rows never take more locks than there are shares.
 *
 * Address locks come after the customers' own rows, and in order: a transaction that holds them waits for no customer any more.
 */
export const SHARES = 64;

/** Any number such that no other advisory lock with two keys begins with it, or with the {@link SHARES} numbers from it on. */
const ADDRESSES = 1_633_969_152;

/** $1 tenant, $2 shares in order, $3 whether alone */
const LOCK_SHARES = `
  SELECT CASE WHEN alone THEN pg_advisory_xact_lock(${ADDRESSES} + share, $1) ELSE pg_advisory_xact_lock_shared(${ADDRESSES} + share, $1) END
    FROM unnest($2::int[], $3::bool[]) AS wanted (share, alone)`;

/** An address that somebody gets, or about which something is reported. */
export interface TouchedAddress {
  channel: Channel;
  /** As in profiles, or the hash that the suppressions keep. */
  address: string | Buffer;
  /** Whether to lock it exclusively, to opt it out. */
  alone: boolean;
}

export async function lockAddresses(tx: EntityManager, tenant: Tenant, suppressions: Suppressions, touched: readonly TouchedAddress[]): Promise<void> {
  if (touched.length === 0) return;
  const modes = new Map<number, boolean>();
  for (const alone of [false, true]) {
    const addresses = touched.filter((one) => one.alone === alone);
    for (const share of addresses.length < SHARES ? addresses.map((one) => shareOf(suppressions, one)) : Array(SHARES).keys()) modes.set(share, alone);
  }
  const shares = [...modes.keys()].sort((a, b) => a - b);
  await tx.query(LOCK_SHARES, [tenant.id, shares, shares.map((share) => modes.get(share)!)]);
}

/** Locks for getting any number of addresses and opting none out. */
export async function lockAllAddresses(tx: EntityManager, tenant: Tenant): Promise<void> {
  const shares = [...Array(SHARES).keys()];
  await tx.query(LOCK_SHARES, [tenant.id, shares, shares.map(() => false)]);
}

const shareOf = (suppressions: Suppressions, { channel, address }: TouchedAddress): number => (typeof address === 'string' ? suppressions.hash(channel, address) : address)[0]! % SHARES;

/** Which addresses the rows, one after the other, find their customers at, and which they touch. */
export function walkAddresses(rows: readonly { draft: Draft; patch: ProfilePatch }[]): { met: { channel: Channel; address: string }[]; touched: TouchedAddress[] } {
  const met: { channel: Channel; address: string }[] = [];
  const touched: TouchedAddress[] = [];
  const moved = new Map<Draft, (string | null)[]>();
  for (const { draft, patch } of rows) {
    const before = moved.get(draft);
    const after: (string | null)[] = [];
    for (const [index, channel] of CHANNELS.entries()) {
      const known = before === undefined ? addressOf(draft.now, channel) : before[index]!;
      const told = addressIn(patch, channel);
      const address = told === undefined ? known : told;
      after.push(address);
      if (address === null) continue;
      met.push({ channel, address });
      const said = patch.consents?.[channel];
      if ((said !== undefined && said !== null) || address !== known) touched.push({ channel, address, alone: said?.status === 'unsubscribed' });
    }
    moved.set(draft, after);
  }
  return { met, touched };
}

/** Undefined if the patch leaves it unchanged. */
function addressIn(patch: ProfilePatch, channel: Channel): string | null | undefined {
  if (channel === 'email') return patch.email;
  if (channel === 'sms') return patch.phone;
  return patch.push_subscription === undefined ? undefined : endpointOf(patch.push_subscription);
}

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { ConsentChange, Draft } from './consent-changes.js';
import { OF_TENANT } from './customers.queries.js';
import { addressOf, type ProfilePatch } from './profile.js';

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

/** Everybody who has an address that one of the rows may opt out, and has not opted out of it. */
export async function sharersOf(tx: EntityManager, tenant: Tenant, rows: readonly { customerNo?: number; patch: ProfilePatch }[]): Promise<number[]> {
  const found: number[] = [];
  for (const channel of SHARED_CHANNELS) {
    const optOuts = rows.filter(({ patch }) => patch.consents?.[channel]?.status === 'unsubscribed');
    if (optOuts.length === 0) continue;
    const numbers = optOuts.flatMap(({ customerNo }) => customerNo ?? []);
    const addresses = optOuts.flatMap(({ patch }) => patch[SHARED[channel]] ?? []);
    found.push(...(await tx.query<{ customer_no: number }[]>(sharers(channel), [tenant.id, numbers, addresses])).map((row) => row.customer_no));
  }
  return found;
}

/** What the opt-outs among the changes are for the others who have the address. */
export function sharedOptOuts(changes: readonly ConsentChange[], drafts: Iterable<Draft>): { draft: Draft; patch: ProfilePatch }[] {
  const optOuts = changes.filter(({ channel, consent, address }) => channel !== 'push' && consent.status === 'unsubscribed' && address !== null);
  if (optOuts.length === 0) return [];
  const holders = new Map<string, Draft[]>();
  for (const draft of drafts) {
    for (const channel of SHARED_CHANNELS) {
      const key = `${channel}:${addressOf(draft.now, channel)}`;
      holders.set(key, [...(holders.get(key) ?? []), draft]);
    }
  }
  return optOuts.flatMap(({ customerNo, channel, consent, address }) => {
    const others = (holders.get(`${channel}:${address}`) ?? []).filter(({ now }) => now.customer_no !== customerNo);
    return others.map((draft) => ({ draft, patch: { consents: { [channel]: consent } } }));
  });
}

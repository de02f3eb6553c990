import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { UniqueCodes } from '#promos';
import { STAMP } from './attribution.queries.js';
import { counted } from './counters.js';
import { CAMPAIGNS_OF, FOLD, HELD_MESSAGES, HOLD_BACK, MOVE_ADDRESSES, MOVE_DELIVERIES, MOVE_HITS, RENUMBER, UNBIND } from './merge.queries.js';

/** Gives messages, hits and conversions of one customer to another who is the same person; the campaigns' counters follow. */
export async function mergeDeliveries(tx: EntityManager, tenant: Tenant, from: number, into: number, uniqueCodes: UniqueCodes): Promise<void> {
  const pair = [tenant.id, from, into];
  const campaigns = (await tx.query<{ campaign_no: number }[]>(CAMPAIGNS_OF, [tenant.id, from])).map((row) => row.campaign_no);
  const touched = { campaignNos: [...campaigns, ...campaigns], customerNos: [...campaigns.map(() => from), ...campaigns.map(() => into)] };
  await counted(tx, tenant, touched, async () => {
    const held = await tx.query<HeldMessage[]>(HELD_MESSAGES, pair);
    await uniqueCodes.dropUntold(tx, tenant, from, into, untoldOf(held));
    await tx.query(UNBIND, pair.slice(0, 2));
    await tx.query(FOLD, pair);
    await tx.query(MOVE_DELIVERIES, pair);
    await tx.query(HOLD_BACK, pair);
    for (const statement of RENUMBER) await tx.query(statement, pair);
    await tx.query(STAMP, [tenant.id, touched.campaignNos, touched.customerNos]);
  });
  await tx.query(MOVE_ADDRESSES, [...pair, campaigns]);
  await tx.query(MOVE_HITS, pair);
}

interface HeldMessage {
  campaign_no: number;
  merged: boolean;
  told: boolean;
}

/** In which campaigns the one who is merged away was told nothing, and in which only they were told. What is not there any more may have told everything. */
function untoldOf(held: readonly HeldMessage[]): { from: number[]; into: number[] } {
  const [from, into]: [number[], number[]] = [[], []];
  for (const [campaignNo, messages] of Map.groupBy(held, (one) => one.campaign_no)) {
    const [theirs, own] = [messages.filter(({ merged }) => merged), messages.filter(({ merged }) => !merged)];
    const told = theirs.some((one) => one.told);
    if (theirs.length > 0 && !told) from.push(campaignNo);
    if (told && own.length > 0 && !own.some((one) => one.told)) into.push(campaignNo);
  }
  return { from, into };
}

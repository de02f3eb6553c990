import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { STAMP } from './attribution.queries.js';
import { counted } from './counters.js';
import { CAMPAIGNS_OF, FOLD, HOLD_BACK, MOVE_ADDRESSES, MOVE_DELIVERIES, MOVE_HITS, RENUMBER, UNBIND } from './merge.queries.js';

/** Gives messages, hits and conversions of one customer to another who is the same person; the campaigns' counters follow. */
export async function mergeDeliveries(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
  const pair = [tenant.id, from, into];
  const campaigns = (await tx.query<{ campaign_no: number }[]>(CAMPAIGNS_OF, [tenant.id, from])).map((row) => row.campaign_no);
  const touched = { campaignNos: [...campaigns, ...campaigns], customerNos: [...campaigns.map(() => from), ...campaigns.map(() => into)] };
  await counted(tx, tenant, touched, async () => {
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

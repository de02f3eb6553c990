import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import type { Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { TOLD } from './ledger.queries.js';

/**
 * Which of the pairs of campaign and customer have a message that may have been read. `LIMIT 1` instead of EXISTS, which PostgreSQL could turn into a join with
 * the whole ledger. Of two customers who were merged, the ledger may show the message that was refused, and not the one that may have arrived.
 */
const TOLD_AMONG = `
  SELECT DISTINCT n.place FROM unnest($2::int[], $3::int[], $4::int[]) AS n (campaign_no, customer_no, place)
   WHERE (SELECT true FROM deliveries WHERE tenant_id = $1 AND campaign_no = n.campaign_no AND customer_no = n.customer_no AND ${TOLD} LIMIT 1)
      OR (SELECT true FROM merged_deliveries WHERE tenant_id = $1 AND campaign_no = n.campaign_no AND customer_no = n.customer_no AND ${TOLD} LIMIT 1)`;

/** Tells promos which unique codes were sent to their customers: only those redeem. The ledger alone knows, so nothing has to be kept in step with it. */
@Injectable()
export class ToldCodes implements OnModuleInit {
  constructor(
    private readonly customers: Customers,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  onModuleInit(): void {
    this.uniqueCodes.register((tx, tenant, given) => this.whoWasTold(tx, tenant, given));
  }

  private async whoWasTold(tx: EntityManager, tenant: Tenant, given: readonly { campaignNo: number; customerNo: number }[]): Promise<ReadonlySet<number>> {
    // A message that was being sent when its customer was merged away still has the old number.
    const merged = [...(await this.customers.mergesOf(tx, tenant, given.map(({ customerNo }) => customerNo)))];
    const sought = given.flatMap(({ campaignNo, customerNo }, place) =>
      [customerNo, ...merged.flatMap(([from, into]) => (into === customerNo ? [from] : []))].map((no) => ({ campaignNo, no, place })),
    );
    const told = await tx.query<{ place: number }[]>(TOLD_AMONG, [tenant.id, sought.map((one) => one.campaignNo), sought.map((one) => one.no), sought.map((one) => one.place)]);
    return new Set(told.map(({ place }) => place));
  }
}

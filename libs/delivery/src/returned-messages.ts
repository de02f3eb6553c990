import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { eventType, Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { encodeDeliveryId } from './delivery-id.js';
import type { Evidence } from './evidence.js';
import { RETURNED_BEFORE } from './receipt.queries.js';

export interface ReturnedMessage {
  customer_no: number;
  delivery_id: string;
  campaign_id: string;
  channel: Channel;
  /** RFC 3339. */
  at: string;
}

export interface Returns {
  /** `permanent`: the address is closed. */
  bounced: (ReturnedMessage & { permanent: boolean })[];
  complained: ReturnedMessage[];
}

/** Sent messages that bounced or were reported as spam: each once, however often providers report it. */
export const MESSAGES_RETURNED = eventType<Returns>('delivery.messages_returned');

/** Finds the bounces and complaints in evidence that are news. */
@Injectable()
export class ReturnedMessages {
  constructor(private readonly jobs: Jobs) {}

  /** Call it before the evidence is written, under the counters' lock, so that only one of two equal reports is news. If nobody subscribes, nothing is looked up. */
  async in(tx: EntityManager, tenant: Tenant, evidence: readonly Evidence[]): Promise<Returns> {
    const returned = evidence.filter(({ bounced_at, complained_at }) => bounced_at !== undefined || complained_at !== undefined);
    if (returned.length === 0 || !(await this.jobs.isWanted(tx, tenant, MESSAGES_RETURNED))) return { bounced: [], complained: [] };
    const keys = returned.map(({ key }) => key);
    const rows = await tx.query<{ place: number; campaign_id: string; bounced: boolean; complained: boolean }[]>(RETURNED_BEFORE, [
      tenant.id, keys.map((key) => key.campaignNo), keys.map((key) => key.customerNo), keys.map((key) => key.channel),
    ]);
    const known = rows.map(({ place, ...row }) => ({ ...row, ...returned[place - 1]! }));
    const told = ({ key, campaign_id }: (typeof known)[number], at: Date): ReturnedMessage => ({ customer_no: key.customerNo, delivery_id: encodeDeliveryId(key), campaign_id, channel: key.channel, at: at.toISOString() });
    return {
      bounced: known.flatMap((row) => (row.bounced || row.bounced_at === undefined ? [] : [{ ...told(row, row.bounced_at), permanent: row.reason !== 'soft' }])),
      complained: known.flatMap((row) => (row.complained || row.complained_at === undefined ? [] : [told(row, row.complained_at)])),
    };
  }

  async tell(tx: EntityManager, tenant: Tenant, returns: Returns): Promise<void> {
    if (returns.bounced.length + returns.complained.length > 0) await this.jobs.publish(tx, tenant, MESSAGES_RETURNED, returns);
  }
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CAMPAIGN_MOVED } from '#campaigns';
import { CUSTOMERS_OPTED_OUT } from '#customers';
import { MESSAGES_RETURNED } from '#delivery';
import { type EventType, Jobs } from '#jobs';
import { type Tenant, toDecimal } from '#kernel';
import { PROMO_REDEEMED, PROMO_ROLLED_BACK, Promos } from '#promos';
import { SEGMENT_CHANGED } from '#segments';
import { SettingsService } from '#tenants';
import type { EventName } from './event-types.js';
import { Interest } from './interest.js';
import { type Draft, Outbox } from './outbox.js';

/** The most people in one message. */
const MOST_PEOPLE = 500;

/** Turns internal events into messages to subscribers: the only place that knows both. */
@Injectable()
export class Announcements implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly interest: Interest,
    private readonly outbox: Outbox,
    private readonly promos: Promos,
    private readonly settings: SettingsService,
  ) {}

  onModuleInit(): void {
    this.announce(CAMPAIGN_MOVED, ['campaign.started', 'campaign.paused', 'campaign.resumed', 'campaign.completed', 'campaign.canceled'], async (_, { move, ...data }) => [{ type: `campaign.${move}`, data }]);
    this.announce(SEGMENT_CHANGED, ['segment.entered', 'segment.exited'], async (_, { segment_id, entered, exited }) =>
      ([['segment.entered', entered], ['segment.exited', exited]] as const).flatMap(([type, customerNos]) => aboutMany(type, 'customers', customerNos.map((customer_no) => ({ customer_no })), { segment_id })));
    this.announce(CUSTOMERS_OPTED_OUT, ['customer.unsubscribed'], async (_, { opt_outs }) => aboutMany('customer.unsubscribed', 'customers', opt_outs));
    this.announce(MESSAGES_RETURNED, ['delivery.bounced', 'delivery.complained'], async (_, { bounced, complained }) => [
      ...aboutMany('delivery.bounced', 'deliveries', bounced),
      ...aboutMany('delivery.complained', 'deliveries', complained),
    ]);
    this.announce(PROMO_REDEEMED, ['promo.redeemed'], async ({ tx, tenant }, { redemption_id, promo_id, customer_no, order_id, order_total, at }) => {
      const { currency } = await this.settings.of(tx, tenant);
      const promo_code = await this.codeOf(tx, tenant, promo_id);
      const data = { redemption_id, promo_id, promo_code, customer_id: null, order_id, order_total: toDecimal(order_total, currency), currency };
      return [{ type: 'promo.redeemed', data, customerNos: customer_no === null ? [] : [customer_no], at: new Date(at) }];
    });
    this.announce(PROMO_ROLLED_BACK, ['promo.rolled_back'], async ({ tx, tenant }, { redemption_id, promo_id, order_id }) => [
      { type: 'promo.rolled_back', data: { redemption_id, promo_id, promo_code: await this.codeOf(tx, tenant, promo_id), order_id } },
    ]);
  }

  /** @param types all that may come of such an event: while nobody subscribes to one of them, no job is made of it */
  private announce<Data extends object>(event: EventType<Data>, types: readonly EventName[], write: (scope: { tx: EntityManager; tenant: Tenant }, data: Data) => Promise<Draft[]>): void {
    this.jobs.subscribe(event, 'subscribers', (tenant, data, _, origin) => this.outbox.keep(tenant, origin, (tx) => write({ tx, tenant }, data)), {
      wanted: (tx, tenant) => this.interest.inAny(tx, tenant, types),
    });
  }

  private async codeOf(tx: EntityManager, tenant: Tenant, promoId: string): Promise<string> {
    return (await this.promos.codesOf(tx, tenant, [promoId])).get(promoId)!; // no promo is ever deleted
  }
}

/** Messages that tell something of each of many people. */
function aboutMany(type: EventName, list: string, entries: readonly { customer_no: number }[], rest: object = {}): Draft[] {
  return Array.from({ length: Math.ceil(entries.length / MOST_PEOPLE) }, (_, part) => {
    const some = entries.slice(part * MOST_PEOPLE, (part + 1) * MOST_PEOPLE);
    return { type, data: { ...rest, [list]: some.map(({ customer_no: _no, ...entry }) => entry) }, customerNos: some.map(({ customer_no }) => customer_no) };
  });
}

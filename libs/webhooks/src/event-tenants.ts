import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import type { InboundEvent } from './normalisers/inbound-event.js';

/**
 * Finds whose an event is when its post names no connection: a delivery id carries its tenant, a campaign's is looked up. What somebody says
 * to the operator's number (STOP) is meant for everybody who wrote to them from it.
 */
@Injectable()
export class EventTenants {
  constructor(
    private readonly database: Database,
    private readonly tenants: Tenants,
    private readonly delivery: Delivery,
  ) {}

  /**
   * Sorts items by tenant. An item that is no event goes to the tenant of the others when they all have the same one.
   *
   * @returns the tenants' items, and how many are nobody's
   */
  async sort<Item>(items: readonly Item[], eventOf: (item: Item) => InboundEvent | null): Promise<{ tenants: Map<Tenant, Item[]>; nobodys: number }> {
    const ids = await this.tenantIds(items.map(eventOf));
    const known = [...new Set(ids.flat())];
    const only = known.length === 1 ? known : [];
    const tenants = new Map<Tenant, Item[]>();
    for (const id of known) {
      const tenant = await this.tenants.byId(id);
      if (tenant === null) continue;
      const own = items.filter((item, index) => (eventOf(item) === null ? only : ids[index]!).includes(id));
      tenants.set(tenant, own);
    }
    const owned = new Set([...tenants.values()].flat());
    return { tenants, nobodys: items.filter((item) => !owned.has(item)).length };
  }

  /** A delivery id that is none of ours says nothing; the campaign beside it still does. */
  private async tenantIds(events: (InboundEvent | null)[]): Promise<number[][]> {
    const byDelivery = events.map((event) => decodeDeliveryId(event?.deliveryId ?? '')?.tenantId ?? null);
    const campaigns = [...new Set(events.flatMap((event, index) => (byDelivery[index] === null ? (event?.campaignId ?? []) : [])))];
    const byCampaign = campaigns.length === 0 ? new Map<string, number>() : await this.database.inNoTenant((tx) => this.delivery.tenantsOfCampaigns(tx, campaigns));
    const ids: number[][] = [];
    for (const [index, event] of events.entries()) {
      const id = byDelivery[index] ?? byCampaign.get(event?.campaignId ?? '');
      ids.push(id !== undefined ? [id] : await this.writersTo(event));
    }
    return ids;
  }

  /** Asked of every tenant, since none is named: people seldom answer, and what they say must not be lost. */
  private async writersTo(event: InboundEvent | null): Promise<number[]> {
    const phone = event?.phone ?? null;
    if (phone === null || event!.channel !== 'sms' || (event!.name !== 'unsubscribed' && event!.name !== 'subscribed')) return [];
    const writers: number[] = [];
    for await (const tenant of this.tenants.all()) {
      if (await this.database.inTenant(tenant, (tx) => this.delivery.hasWrittenTo(tx, tenant, 'sms', phone))) writers.push(tenant.id);
    }
    return writers;
  }
}

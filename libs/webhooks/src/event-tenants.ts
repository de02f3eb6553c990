import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import type { InboundEvent } from './normalisers/inbound-event.js';

/** Finds whose an event is when its post names no connection: a delivery id carries its tenant, a campaign's is looked up. */
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
    const known = [...new Set(ids)].filter((id) => id !== null);
    const only = known.length === 1 ? known[0]! : null;
    const tenants = new Map<Tenant, Item[]>();
    let nobodys = items.length;
    for (const id of known) {
      const tenant = await this.tenants.byId(id);
      if (tenant === null) continue;
      const own = items.filter((item, index) => (ids[index] ?? (eventOf(item) === null ? only : null)) === id);
      tenants.set(tenant, own);
      nobodys -= own.length;
    }
    return { tenants, nobodys };
  }

  /** A delivery id that is none of ours says nothing; the campaign beside it still does. */
  private async tenantIds(events: (InboundEvent | null)[]): Promise<(number | null)[]> {
    const byDelivery = events.map((event) => decodeDeliveryId(event?.deliveryId ?? '')?.tenantId ?? null);
    const campaigns = [...new Set(events.flatMap((event, index) => (byDelivery[index] === null ? (event?.campaignId ?? []) : [])))];
    if (campaigns.length === 0) return byDelivery;
    const byCampaign = await this.database.inNoTenant((tx) => this.delivery.tenantsOfCampaigns(tx, campaigns));
    return events.map((event, index) => byDelivery[index] ?? byCampaign.get(event?.campaignId ?? '') ?? null);
  }
}

import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import type { InboundEvent } from './normalisers/inbound-event.js';

/**
 * Finds the tenant of an event whose post names no connection: a delivery id contains the tenant, and a campaign id is looked up. A reply
 * to the operator's number (STOP) applies to every tenant that wrote to the person from it.
 */
@Injectable()
export class EventTenants {
  constructor(
    private readonly database: Database,
    private readonly tenants: Tenants,
    private readonly delivery: Delivery,
  ) {}

  /**
   * Groups items by tenant. An item that is not an event goes to the tenant of the others if they all have the same one.
   *
   * @returns the items of each tenant, and how many belong to none
   */
  async sort<Item>(items: readonly Item[], eventOf: (item: Item) => InboundEvent | null): Promise<{ tenants: Map<Tenant, Item[]>; nobodys: number }> {
    const ids = await this.tenantIds(items.map(eventOf));
    const known = [...new Set(ids.flat())];
    const only = known.length === 1 ? known : [];
    const tenants = new Map<Tenant, Item[]>();
    for (const tenant of await this.tenants.byIds(known)) {
      const own = items.filter((item, index) => (eventOf(item) === null ? only : ids[index]!).includes(tenant.id));
      tenants.set(tenant, own);
    }
    const owned = new Set([...tenants.values()].flat());
    return { tenants, nobodys: items.filter((item) => !owned.has(item)).length };
  }

  /** An invalid delivery id is ignored; the campaign id may still name the tenant. One transaction looks everything up, however many events and tenants there are. */
  private async tenantIds(events: (InboundEvent | null)[]): Promise<number[][]> {
    const byDelivery = events.map((event) => decodeDeliveryId(event?.deliveryId ?? '')?.tenantId ?? null);
    const rest = events.filter((event, index) => event !== null && byDelivery[index] === null) as InboundEvent[];
    const [campaigns, numbers] = [[...new Set(rest.flatMap((event) => event.campaignId ?? []))], [...new Set(rest.flatMap((event) => answeredFrom(event) ?? []))]];
    const { ofCampaigns, writers } = await this.lookUp(campaigns, numbers);
    return events.map((event, index) => {
      const id = byDelivery[index] ?? ofCampaigns.get(event?.campaignId ?? '');
      if (id !== undefined) return [id];
      return (event && writers.get(answeredFrom(event) ?? '')) ?? [];
    });
  }

  private async lookUp(campaigns: readonly string[], numbers: readonly string[]): Promise<{ ofCampaigns: Map<string, number>; writers: Map<string, number[]> }> {
    if (campaigns.length + numbers.length === 0) return { ofCampaigns: new Map(), writers: new Map() };
    return this.database.inNoTenant(async (tx) => ({ ofCampaigns: await this.delivery.tenantsOfCampaigns(tx, campaigns), writers: await this.delivery.writersTo(tx, numbers) }));
  }
}

/** The number of somebody who opts out or back in by a reply; null for any other event. */
const answeredFrom = ({ name, channel, phone }: InboundEvent): string | null => (channel === 'sms' && (name === 'unsubscribed' || name === 'returned') ? phone : null);

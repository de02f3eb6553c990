import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type ClosedAddress, type ConsentSetting, Customers, type LiftedAddress, normaliseEmail, normalisePhone } from '#customers';
import { newId, type Tenant } from '#kernel';
import type { Channel } from '#tenants';
import type { InboundEvent } from './normalisers/inbound-event.js';
import { type ClaimedEvent, type Outcome, PROCESSED, unmatched } from './outcome.js';

/** What events say of people rather than of messages: consents given and taken back, contacts made elsewhere. */
@Injectable()
export class People {
  constructor(private readonly customers: Customers) {}

  /**
   * What `subscribed`, `unsubscribed` and `complained` come to. An opt-out holds for the address even when nobody of ours has it:
   * a customer who comes with it tomorrow is not written to either.
   */
  async consentsOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<{ outcomes: Outcome[]; changes: ConsentSetting[]; closed: ClosedAddress[]; lifted: LiftedAddress[] }> {
    const numbers = await this.numbersOf(tx, tenant, claimed.map(({ event }) => event));
    // The last word of each person and channel, of two at one instant the opt-out, so that the order within a batch cannot matter.
    const last = new Map<string, ConsentSetting>();
    const closed: ClosedAddress[] = [];
    const lifted: LiftedAddress[] = [];
    const outcomes = claimed.map(({ provider, event, at }, index): Outcome => {
      const customerNo = numbers[index]!;
      const channel = channelOf(event);
      const address = addressOf(event, channel);
      const optsOut = event.name !== 'subscribed';
      const source = `webhook:${provider}`;
      if (customerNo !== null) {
        const setting: ConsentSetting = { customerNo, channel, status: optsOut ? 'unsubscribed' : 'subscribed', source, at };
        const key = `${customerNo}/${channel}`;
        const known = last.get(key);
        if (known === undefined || known.at < at || (known.at.getTime() === at.getTime() && optsOut)) last.set(key, setting);
      }
      // What is taken back of an address nobody has is no customer's consent: whoever comes with it is not held to the opt-out.
      if (!optsOut && customerNo === null && address !== null) lifted.push({ channel, address, until: at });
      // An opt-out is also of the address, whoever has it.
      if (optsOut && address !== null) closed.push({ channel, address, reason: event.closes ?? (event.name === 'complained' ? 'complaint' : 'unsubscribed'), at, source });
      return customerNo !== null || (optsOut && address !== null) ? PROCESSED : unmatched('unknown_customer');
    });
    return { outcomes, changes: [...last.values()], closed, lifted };
  }

  /** Applies `contact_created` and `form_submitted`: the contact becomes a customer, or completes one. What the event leaves out stays. */
  async applyContacts(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Outcome[]> {
    const ids = await this.idsOf(tx, tenant, claimed);
    const rows = claimed.flatMap(({ event }, index) => {
      const customerId = ids[index]!;
      return customerId === null ? [] : [{ customerId, patch: patchOf(event) }];
    });
    await this.customers.upsertMany(tx, tenant, rows);
    return ids.map((id) => (id === null ? unmatched('no_person') : PROCESSED));
  }

  /** The customer ids of contacts: the event's own, that of whoever has the address, or a new one named after the provider; null without any way to write to them. */
  private async idsOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<(string | null)[]> {
    const byAddress = await this.byAddress(tx, tenant, claimed.filter(({ event }) => event.customerId === null).map(({ event }) => event));
    const known = await this.customers.idsOf(tx, tenant, [...new Set(byAddress.values())]);
    const made = new Map<string, string>();
    return claimed.map(({ provider, event }) => {
      if (event.customerId !== null) return event.customerId;
      const id = known.get(byAddress.get(event) ?? 0);
      const address = normaliseEmail(event.email ?? '') ?? normalisePhone(event.phone ?? '');
      if (id !== undefined || address === null) return id ?? null;
      if (!made.has(address)) made.set(address, newId(provider)); // one contact, however many of its events are in the batch
      return made.get(address)!;
    });
  }

  private async numbersOf(tx: EntityManager, tenant: Tenant, events: readonly InboundEvent[]): Promise<(number | null)[]> {
    const byId = await this.customers.find(tx, tenant, [...new Set(events.flatMap((event) => event.customerId ?? []))]);
    const byAddress = await this.byAddress(tx, tenant, events);
    return events.map((event) => (event.customerId === null ? undefined : byId.get(event.customerId)) ?? byAddress.get(event) ?? null);
  }

  /** Who has the email, else the phone number, that each event names. */
  private async byAddress(tx: EntityManager, tenant: Tenant, events: readonly InboundEvent[]): Promise<Map<InboundEvent, number>> {
    const emails = await this.customers.findByAddresses(tx, tenant, 'email', events.flatMap((event) => event.email ?? []));
    const phones = await this.customers.findByAddresses(tx, tenant, 'sms', events.flatMap((event) => event.phone ?? []));
    return new Map(events.flatMap((event) => {
      const no = emails.get(event.email ?? '') ?? phones.get(event.phone ?? '');
      return no === undefined ? [] : [[event, no]];
    }));
  }
}

const patchOf = (event: InboundEvent) => ({
  email: event.email ?? undefined,
  phone: event.phone ?? undefined,
  first_name: event.firstName ?? undefined,
  last_name: event.lastName ?? undefined,
});

/** The event's own channel, else the one whose address it names. */
const channelOf = (event: InboundEvent): Channel => event.channel ?? (event.email === null && event.phone !== null ? 'sms' : 'email');

const addressOf = (event: InboundEvent, channel: Channel): string | null => (channel === 'email' ? event.email : channel === 'sms' ? event.phone : null);

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AddressHolder, type ClosedAddress, type ConsentSetting, Customers, ErasedNames, type LiftedAddress, normaliseEmail, normalisePhone, profileAsTold, type ProfilePatch } from '#customers';
import { Contention } from '#database';
import { newId, type Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { KnownContacts } from './known-contacts.js';
import type { InboundEvent } from './normalisers/inbound-event.js';
import { type ClaimedEvent, failed, type Outcome, PROCESSED, unmatched } from './outcome.js';
import { contactCustomerId, personsOf } from './persons.js';

/** Applies events that are about people rather than messages: consent given and withdrawn, contacts created or changed at a provider. */
@Injectable()
export class People {
  constructor(
    private readonly customers: Customers,
    private readonly contacts: KnownContacts,
    private readonly erasedNames: ErasedNames,
  ) {}

  /**
   * Works out what opt-ins, opt-outs, complaints, and bounces of no message of ours change. An opt-out holds for the address even if no customer has it:
   * a customer added with that address later is not written to either.
   */
  async consentsOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<{ outcomes: Outcome[]; changes: ConsentSetting[]; closed: ClosedAddress[]; lifted: LiftedAddress[] }> {
    const numbers = await this.numbersOf(tx, tenant, claimed);
    const holders = await this.holdersOf(tx, tenant, claimed);
    // The latest status per person and channel; of two at the same instant, the opt-out. So the order within a batch does not matter.
    const last = new Map<string, ConsentSetting>();
    const closed: ClosedAddress[] = [];
    const lifted: LiftedAddress[] = [];
    const outcomes = claimed.map(({ provider, event, at }, index): Outcome => {
      const customerNo = numbers[index]!;
      const channel = channelOf(event);
      const given = addressOf(event, channel);
      const address = given === null ? null : normalised(channel, given);
      const will = willOf(event);
      const optsOut = will === 'unsubscribed';
      const source = `webhook:${provider}`;
      const say = (customerNo: number, status: ConsentSetting['status']): void => {
        const key = `${customerNo}/${channel}`;
        const known = last.get(key);
        if (known === undefined || known.at < at || (known.at.getTime() === at.getTime() && optsOut)) last.set(key, { customerNo, channel, status, source, at });
      };
      if (event.name === 'returned') for (const one of holders.get(`${channel}:${address}`) ?? []) say(one.customerNo, one.hasConsented ? 'subscribed' : 'unknown');
      else if (customerNo !== null && will !== null) say(customerNo, will);
      // Nobody has the address, so there is no consent to record; but a later customer with it is no longer bound by the opt-out.
      if (will === 'subscribed' && customerNo === null && address !== null) lifted.push({ channel, address, until: at });
      // An opt-out also closes the address, whoever has it. So does a bounce, but it says nothing of what its holders want: it has no `source`.
      const closes = will !== 'subscribed' && address !== null;
      if (closes) closed.push({ channel, address, reason: event.closes ?? (event.name === 'complained' ? 'complaint' : 'unsubscribed'), at, ...(optsOut && { source }) });
      if (customerNo !== null || closes) return PROCESSED;
      return given !== null && address === null ? failed('invalid_address') : unmatched('unknown_customer');
    });
    return { outcomes, changes: [...last.values()], closed, lifted };
  }

  /**
   * Applies contact events: a contact updates the customer it belongs to, or becomes a new customer where the event introduces it. Fields that the event
   * leaves out stay, and so do values reported as of a later instant. Events that happened before the person was erased fail.
   *
   * @param asOf the instant at which their data was true, if not when they happened
   */
  async applyContacts(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[], asOf?: Date): Promise<Outcome[]> {
    const erased = await this.erasedSince(tx, tenant, claimed);
    const left = claimed.filter((one) => !erased.has(one));
    const ids = new Map((await this.idsOf(tx, tenant, left)).map((id, index) => [left[index]!, id]));
    const numbers = await this.customers.ensure(tx, tenant, [...ids.values()].filter((id) => id !== null));
    // Somebody erased while we waited for their row must not be created again.
    if ((await this.erasedSince(tx, tenant, left)).size > 0) throw new Contention('Somebody whom events tell of was erased meanwhile.');
    const patches = new Map(await Promise.all(left.map(async (one) => [one, await patchOf(one.event)] as const)));
    const meant = left.flatMap((one) => {
      const customerId = ids.get(one)!;
      return customerId === null ? [] : [{ ...one, at: asOf ?? one.at, customerId, customerNo: numbers.get(customerId)!, patch: patches.get(one)! }];
    });
    const news = await this.contacts.tell(tx, tenant, meant);
    await this.customers.upsertMany(tx, tenant, meant.map(({ customerId }, index) => ({ customerId, patch: news[index]! })));
    return claimed.map((one) => {
      if (erased.has(one)) return failed('customer_erased');
      return ids.get(one) !== null ? PROCESSED : unmatched(one.event.introduces ? 'no_person' : 'unknown_customer');
    });
  }

  /** The events that happened before the erasure of somebody they are about. If an event has a customer id, only that id counts. */
  private async erasedSince(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Set<ClaimedEvent>> {
    const names = new Map(claimed.map((one) => {
      const all = personsOf(one.provider, one.event);
      if (one.event.customerId !== null) return [one, all.slice(0, 1)];
      return [one, one.event.email === null ? all : all.filter((name) => !name.startsWith('phone:'))]; // a phone number may be shared
    }));
    const erasedAt = await this.erasedNames.erasedAt(tx, tenant, [...names.values()].flat());
    return new Set(claimed.filter((one) => names.get(one)!.some((name) => (erasedAt.get(name)?.getTime() ?? -Infinity) >= one.at.getTime())));
  }

  /**
   * The customer ids of contacts: the event's own; else that of the customer the contact became; else of the customer with the address; else a new one, named
   * after the provider and its contact. Null for an unknown contact that has no valid address or that the event does not introduce.
   */
  private async idsOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<(string | null)[]> {
    const became = await this.contacts.find(tx, tenant, claimed);
    const byAddress = await this.byAddress(tx, tenant, claimed.filter(({ event }) => event.customerId === null).map(({ event }) => event));
    const known = await this.customers.idsOf(tx, tenant, [...new Set([...became.values(), ...byAddress.values()])]);
    const made = new Map<string, string>();
    return claimed.map((one) => {
      const { provider, event } = one;
      if (event.customerId !== null) return event.customerId;
      const id = known.get(became.get(one) ?? byAddress.get(event) ?? 0);
      const address = normaliseEmail(event.email ?? '') ?? normalisePhone(event.phone ?? '');
      if (id !== undefined || address === null || !event.introduces) return id ?? null;
      if (!made.has(address)) made.set(address, event.contactId === null ? newId(provider) : contactCustomerId(provider, event.contactId)); // one contact, however many of its events are in the batch
      return made.get(address)!;
    });
  }

  /** All customers with an address whose opt-out is withdrawn, by `channel:address`: the opt-out applied to each of them. */
  private async holdersOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Map<string, AddressHolder[]>> {
    const found = new Map<string, AddressHolder[]>();
    for (const channel of ['email', 'sms'] as const) {
      const addresses = claimed.flatMap(({ event }) => (event.name === 'returned' && channelOf(event) === channel ? (normalised(channel, addressOf(event, channel) ?? '') ?? []) : []));
      for (const holder of await this.customers.holdersOf(tx, tenant, channel, addresses)) {
        const key = `${channel}:${holder.address}`;
        found.set(key, [...(found.get(key) ?? []), holder]);
      }
    }
    return found;
  }

  private async numbersOf(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<(number | null)[]> {
    const events = claimed.map(({ event }) => event);
    const byId = await this.customers.find(tx, tenant, [...new Set(events.flatMap((event) => event.customerId ?? []))]);
    const became = await this.contacts.find(tx, tenant, claimed);
    const byAddress = await this.byAddress(tx, tenant, events);
    return claimed.map((one) => byId.get(one.event.customerId ?? '') ?? became.get(one) ?? byAddress.get(one.event) ?? null);
  }

  /** The customer with each event's former email, else its email, else its phone number. */
  private async byAddress(tx: EntityManager, tenant: Tenant, events: readonly InboundEvent[]): Promise<Map<InboundEvent, number>> {
    const emails = await this.customers.findByAddresses(tx, tenant, 'email', events.flatMap((event) => [event.formerEmail ?? [], event.email ?? []].flat()));
    const phones = await this.customers.findByAddresses(tx, tenant, 'sms', events.flatMap((event) => event.phone ?? []));
    return new Map(events.flatMap((event) => {
      const no = emails.get(event.formerEmail ?? '') ?? emails.get(event.email ?? '') ?? phones.get(event.phone ?? '');
      return no === undefined ? [] : [[event, no]];
    }));
  }
}

const patchOf = ({ email, phone, firstName, lastName }: InboundEvent): Promise<ProfilePatch> =>
  profileAsTold({ email: email ?? undefined, phone: phone ?? undefined, first_name: firstName ?? undefined, last_name: lastName ?? undefined });

/** What the person wants, according to an event; null for a bounce, where only the address failed. */
const willOf = ({ name }: InboundEvent): 'subscribed' | 'unsubscribed' | null => (name === 'bounced' ? null : name === 'subscribed' || name === 'returned' ? 'subscribed' : 'unsubscribed');

/** The event's own channel, else the one whose address it names. */
const channelOf = (event: InboundEvent): Channel => event.channel ?? (event.email === null && event.phone !== null ? 'sms' : 'email');

const addressOf = (event: InboundEvent, channel: Channel): string | null => (channel === 'email' ? event.email : channel === 'sms' ? event.phone : null);

/** Null for an invalid address. */
const normalised = (channel: Channel, address: string): string | null => (channel === 'email' ? normaliseEmail(address) : normalisePhone(address));

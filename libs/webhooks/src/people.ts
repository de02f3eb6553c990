import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type ConsentSetting, Customers, normaliseEmail, normalisePhone, type SuppressionEntry, Suppressions } from '#customers';
import { newId, type Tenant } from '#kernel';
import { type Channel, CHANNELS } from '#tenants';
import type { InboundEvent } from './normalisers/inbound-event.js';
import { type ClaimedEvent, type Outcome, PROCESSED, unmatched } from './outcome.js';

/** What events say of people rather than of messages: consents given and taken back, contacts made elsewhere. */
@Injectable()
export class People {
  constructor(
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
  ) {}

  /**
   * Applies `subscribed`, `unsubscribed` and `complained`. An opt-out holds for the address even when nobody of ours has it:
   * a customer who comes with it tomorrow is not written to either.
   */
  async applyConsents(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Outcome[]> {
    const numbers = await this.numbersOf(tx, tenant, claimed.map(({ event }) => event));
    // The last word of each person and channel, so that the order within a batch cannot matter.
    const last = new Map<string, ConsentSetting>();
    const closed: SuppressionEntry[] = [];
    const outcomes = claimed.map(({ provider, event, at }, index): Outcome => {
      const customerNo = numbers[index]!;
      const channel = channelOf(event);
      const address = addressOf(event, channel);
      const optsOut = event.name !== 'subscribed';
      if (customerNo !== null) {
        const setting: ConsentSetting = { customerNo, channel, status: optsOut ? 'unsubscribed' : 'subscribed', source: `webhook:${provider}`, at };
        const key = `${customerNo}/${channel}`;
        const known = last.get(key);
        if (known === undefined || known.at <= at) last.set(key, setting);
      }
      if (optsOut && address !== null) closed.push({ channel, address, reason: event.name === 'complained' ? 'complaint' : 'unsubscribed', at });
      return customerNo !== null || (optsOut && address !== null) ? PROCESSED : unmatched('unknown_customer');
    });
    // In this order: a consent given later than the opt-out lifts it again.
    await this.suppressions.add(tx, tenant, closed);
    for (const channel of CHANNELS) {
      await this.customers.setConsent(tx, tenant, [...last.values()].filter((setting) => setting.channel === channel));
    }
    return outcomes;
  }

  /** Applies `contact_created` and `form_submitted`: the contact becomes a customer, or completes one. What the event leaves out stays. */
  async applyContacts(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { provider, event } of claimed) {
      const customerId = event.customerId ?? (await this.idByAddress(tx, tenant, provider, event));
      if (customerId === null) {
        outcomes.push(unmatched('no_person'));
        continue;
      }
      await this.customers.upsertOne(tx, tenant, customerId, {
        email: event.email ?? undefined,
        phone: event.phone ?? undefined,
        first_name: event.firstName ?? undefined,
        last_name: event.lastName ?? undefined,
      });
      outcomes.push(PROCESSED);
    }
    return outcomes;
  }

  /** Whoever has the address, or a new id named after the provider; null without an address that could be written to. */
  private async idByAddress(tx: EntityManager, tenant: Tenant, provider: string, event: InboundEvent): Promise<string | null> {
    const no = await this.byAddress(tx, tenant, event);
    if (no !== null) return (await this.customers.idsOf(tx, tenant, [no])).get(no) ?? null;
    const reachable = normaliseEmail(event.email ?? '') ?? normalisePhone(event.phone ?? '');
    return reachable === null ? null : newId(provider);
  }

  private async numbersOf(tx: EntityManager, tenant: Tenant, events: readonly InboundEvent[]): Promise<(number | null)[]> {
    const byId = await this.customers.find(tx, tenant, [...new Set(events.flatMap((event) => event.customerId ?? []))]);
    const numbers: (number | null)[] = [];
    for (const event of events) {
      numbers.push((event.customerId === null ? undefined : byId.get(event.customerId)) ?? (await this.byAddress(tx, tenant, event)));
    }
    return numbers;
  }

  private async byAddress(tx: EntityManager, tenant: Tenant, event: InboundEvent): Promise<number | null> {
    const byEmail = event.email === null ? null : await this.customers.findByAddress(tx, tenant, 'email', event.email);
    return byEmail ?? (event.phone === null ? null : this.customers.findByAddress(tx, tenant, 'sms', event.phone));
  }
}

/** The event's own channel, else the one whose address it names. */
const channelOf = (event: InboundEvent): Channel => event.channel ?? (event.email === null && event.phone !== null ? 'sms' : 'email');

const addressOf = (event: InboundEvent, channel: Channel): string | null => (channel === 'email' ? event.email : channel === 'sms' ? event.phone : null);

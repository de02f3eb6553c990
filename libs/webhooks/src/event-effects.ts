import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type LiftedAddress, Suppressions } from '#customers';
import { Delivery, type Receipt, RECEIPT_TYPES, type ReceiptType } from '#delivery';
import type { Tenant } from '#kernel';
import { HubSpotContacts } from './hubspot-contacts.js';
import { type InboundEvent, UNSUPPORTED } from './normalisers/inbound-event.js';
import { type ClaimedEvent, failed, type Outcome, PROCESSED, unmatched } from './outcome.js';
import { People } from './people.js';

/** Where an event goes: to the message it is about, the person's consent, the person's profile, or the provider (to ask who the contact is). `none` has no effect, `nowhere` fails as unsupported. */
type Destination = 'message' | 'consent' | 'contact' | 'provider' | 'none' | 'nowhere';

const DESTINATIONS: Readonly<Record<InboundEvent['name'], Destination>> = {
  delivered: 'message', opened: 'message', clicked: 'message', bounced: 'message', failed: 'message',
  unsubscribed: 'message', complained: 'message', // and to the consent if they are about no message of ours
  subscribed: 'consent', returned: 'consent',
  contact_created: 'contact', form_submitted: 'contact', contact_changed: 'contact',
  noted: 'none',
  unknown: 'nowhere',
  campaign_sent: 'none', // a campaign of the provider's own; the event does not name its recipients
};

/** Hands events to the domains they are about. Everything it calls is idempotent. */
@Injectable()
export class EventEffects {
  constructor(
    private readonly delivery: Delivery,
    private readonly people: People,
    private readonly suppressions: Suppressions,
    private readonly hubspot: HubSpotContacts,
  ) {}

  /** Applies a batch in the caller's transaction. @returns the outcomes in the batch's order */
  async apply(tx: EntityManager, tenant: Tenant, claimed: readonly ClaimedEvent[]): Promise<Outcome[]> {
    const outcomes = new Map<ClaimedEvent, Outcome>(claimed.map((one) => [one, PROCESSED]));
    const record = (events: readonly ClaimedEvent[], results: readonly Outcome[]): void => events.forEach((one, index) => outcomes.set(one, results[index]!));
    const bound = (to: Destination): ClaimedEvent[] => claimed.filter((one) => destinationOf(one) === to);

    for (const one of bound('nowhere')) outcomes.set(one, failed(UNSUPPORTED));
    const asked = bound('provider');
    record(asked, await this.hubspot.wanted(tx, tenant, asked));
    // Contacts first: consents then find the customers that these create.
    const contacts = claimed.filter((one) => destinationOf(one) === 'contact' || (destinationOf(one) === 'consent' && one.event.introduces));
    record(contacts, await this.people.applyContacts(tx, tenant, contacts));
    const messages = bound('message');
    let opened: LiftedAddress[] = [];
    await this.delivery.recordReceipts(tx, tenant, messages.map(toReceipt), async (results) => {
      record(messages, results.map((result) => (result === 'matched' ? PROCESSED : unmatched('unknown_message'))));
      const consents = claimed.filter((one) => destinationOf(one) === 'consent' || (destinationOf(one) === 'message' && isOptOut(one) && outcomes.get(one)!.status === 'unmatched'));
      const { outcomes: told, lifted, ...said } = await this.people.consentsOf(tx, tenant, consents);
      record(consents, told);
      opened = lifted;
      return said;
    });
    await this.suppressions.liftAll(tx, tenant, opened);
    return claimed.map((one) => outcomes.get(one)!);
  }
}

function destinationOf({ event }: ClaimedEvent): Destination {
  const usual = DESTINATIONS[event.name];
  if (usual === 'none' || usual === 'nowhere') return usual;
  if (event.contactId !== null && event.email === null && event.phone === null) return 'provider';
  const ofNoMessage = event.deliveryId === null && event.providerMessageId === null && event.campaignId === null;
  return event.name === 'bounced' && event.closes !== null && ofNoMessage ? 'consent' : usual;
}

/** Whether an event is about messages or addresses, and not only about who somebody is: such an event matters even after the person is erased. */
export const outlivesPerson = (one: ClaimedEvent): boolean => ['message', 'consent'].includes(destinationOf(one));

const isOptOut = ({ event }: ClaimedEvent): boolean => event.name === 'unsubscribed' || event.name === 'complained' || OPT_OUTS.includes(event.closes);

/** The reasons to close an address that express the person's own will. */
const OPT_OUTS: readonly InboundEvent['closes'][] = ['opt_out', 'unsubscribed', 'complaint'];

function toReceipt({ provider, event, at }: ClaimedEvent): Receipt {
  if (!isReceipt(event.name)) throw new TypeError(`An event “${event.name}” is about no message`);
  const address = event.channel === 'sms' ? event.phone : (event.email ?? event.phone);
  return {
    type: event.name,
    at,
    machine: event.machine,
    source: `webhook:${provider}`,
    ...(event.deliveryId !== null && { deliveryId: event.deliveryId }),
    ...(event.providerMessageId !== null && { providerMessageId: event.providerMessageId }),
    ...(event.closes !== null && { closes: event.closes }),
    ...(event.campaignId !== null && { campaignId: event.campaignId }),
    ...(address !== null && { address }),
    ...(event.customerId !== null && { customerId: event.customerId }),
    ...(event.channel !== null && { channel: event.channel }),
    ...(event.url !== null && { url: event.url }),
    ...(event.reason !== null && { reason: event.reason }),
  };
}

const isReceipt = (name: InboundEvent['name']): name is ReceiptType => (RECEIPT_TYPES as readonly string[]).includes(name);

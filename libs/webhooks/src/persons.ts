import { type Name, normaliseEmail, normalisePhone, numberName } from '#customers';
import { decodeDeliveryId } from '#delivery';
import { isObject } from '#kernel';
import type { InboundEvent } from './normalisers/inbound-event.js';
import type { ProviderId } from './providers.js';

/** More than anything is about. */
const MOST = 32;

/** Longer than any address with a name beside it. */
const LONGEST = 400;

/** What stands around an address: `Ada <ada@example.com>`, `whatsapp:+14155550100`. */
const AROUND = /[\s<>()[\]",;:]+/;
const PHONE = /^\+\d{7,15}$/;

/** The id of the customer that a provider's contact becomes, where nobody of ours is them. */
export const contactCustomerId = (provider: ProviderId, contactId: string): string => `${provider}_${contactId}`;

/** Whom an event is about, as they are read by it: in one spelling for each way to name somebody, so that what was sent about a person is found when they ask for it. */
export function personsOf(provider: ProviderId, { customerId, contactId, email, formerEmail, phone, deliveryId }: InboundEvent): Name[] {
  const names: Name[] = [];
  if (customerId !== null) names.push(`id:${customerId}`);
  if (contactId !== null) names.push(`id:${contactCustomerId(provider, contactId)}`);
  for (const address of [email, formerEmail]) if (address !== null) names.push(emailName(address));
  if (phone !== null) names.push(`phone:${normalisePhone(phone) ?? phone}`);
  const message = deliveryId === null ? null : decodeDeliveryId(deliveryId);
  if (message !== null) names.push(numberName(message.tenantId, message.customerNo));
  return names;
}

/** Whom an item may be about that is no event: anybody whom it names, wherever. Nothing comes of it that could be lost with somebody else's erasure. */
export function personsAnywhereIn(item: unknown): Name[] {
  const found = new Set<Name>();
  if (isObject(item) && (typeof item.customer_id === 'string' || typeof item.customer_id === 'number')) found.add(`id:${String(item.customer_id).slice(0, 255)}`);
  collect(item, found);
  return [...found];
}

/** @param found grows by what is named in the value and the values in it */
function collect(value: unknown, found: Set<Name>): void {
  if (found.size >= MOST) return;
  if (typeof value === 'string') {
    if (value.length > LONGEST || !/[@+]/.test(value)) return;
    for (const word of value.split(AROUND)) {
      if (word.includes('@')) found.add(emailName(word));
      else if (PHONE.test(word)) found.add(`phone:${word}`);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) collect(one, found);
  }
}

/** A name's keyed hash, as events are kept with it. */
export const spelt = (hash: Buffer): string => hash.toString('base64url');

const emailName = (email: string): Name => `email:${normaliseEmail(email) ?? email.trim().toLowerCase()}`;

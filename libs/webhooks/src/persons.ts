import { type Name, normaliseEmail, normalisePhone, numberName } from '#customers';
import { decodeDeliveryId } from '#delivery';
import { isObject } from '#kernel';
import type { InboundEvent } from './normalisers/inbound-event.js';
import type { ProviderId } from './providers.js';

/** More people than any item is about. */
const MOST = 32;

/** Longer than any address with a name beside it. */
const LONGEST = 400;

/** What separates an address from the text around it: `Ada <ada@example.com>`, `whatsapp:+14155550100`. */
const AROUND = /[\s<>()[\]",;:]+/;
const PHONE = /^\+\d{7,15}$/;

/** The id of the customer that a provider's contact becomes if it matches none. */
export const contactCustomerId = (provider: ProviderId, contactId: string): string => `${provider}_${contactId}`;

/** The people that an event is about, each name normalised, so that a person's events are found for their export or erasure. */
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

/** The people that an unreadable item may be about: all that it names anywhere. It has no effect, so nothing is lost if it is erased with one of them. */
export function personsAnywhereIn(item: unknown): Name[] {
  const found = new Set<Name>();
  if (isObject(item) && (typeof item.customer_id === 'string' || typeof item.customer_id === 'number')) found.add(`id:${String(item.customer_id).slice(0, 255)}`);
  collect(item, found);
  return [...found];
}

/** @param found receives the names in the value and the values nested in it */
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

/** A name's keyed hash, as stored with events. */
export const spelt = (hash: Buffer): string => hash.toString('base64url');

const emailName = (email: string): Name => `email:${normaliseEmail(email) ?? email.trim().toLowerCase()}`;

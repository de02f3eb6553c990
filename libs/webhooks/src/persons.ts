import { normalisePhone } from '#customers';
import { isObject } from '#kernel';
import { type InboundEvent, type ItemFault, isFault } from './normalisers/inbound-event.js';

/** The ids and addresses that somebody may be named by. */
export interface Person {
  customerId: string | null;
  email: string | null;
  phone: string | null;
}

/** More than any event is about. */
const MOST = 32;

/** Longer than any address with a name beside it. */
const LONGEST = 400;

/** What stands around an address: `Ada <ada@example.com>`, `whatsapp:+14155550100`. */
const AROUND = /[\s<>()[\]",;:]+/;
const PHONE = /^\+\d{7,15}$/;

/** One spelling for each way to name somebody, so that what was sent about a person is found when they ask for it. */
export const personsOf = ({ customerId, email, phone }: Person): string[] => [
  ...(customerId === null ? [] : [`id:${customerId}`]),
  ...(email === null ? [] : [`email:${email.trim().toLowerCase()}`]),
  ...(phone === null ? [] : [`phone:${normalisePhone(phone) ?? phone}`]),
];

/** Whom an item names: as it was read, and by any address in it, wherever its provider puts it. */
export function personsIn(item: unknown, read: InboundEvent | ItemFault): string[] {
  const found = new Set(personsOf(isFault(read) ? { customerId: idIn(item), email: null, phone: null } : read));
  collect(item, found);
  return [...found];
}

/** @param found grows by what is named in the value and the values in it */
function collect(value: unknown, found: Set<string>): void {
  if (found.size >= MOST) return;
  if (typeof value === 'string') {
    if (value.length > LONGEST || !/[@+]/.test(value)) return;
    for (const word of value.split(AROUND)) {
      if (word.includes('@')) found.add(`email:${word.toLowerCase()}`);
      else if (PHONE.test(word)) found.add(`phone:${word}`);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) collect(one, found);
  }
}

const idIn = (item: unknown): string | null => (isObject(item) && (typeof item.customer_id === 'string' || typeof item.customer_id === 'number') ? String(item.customer_id).slice(0, 255) : null);

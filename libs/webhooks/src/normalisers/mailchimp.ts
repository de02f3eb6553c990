import { createHash } from 'node:crypto';
import { isObject } from '#kernel';
import { readInstant } from '../instants.js';
import type { ProviderId } from '../providers.js';
import { noObject, textOf } from './fields.js';
import { formFields } from './form.js';
import { eventOf, type InboundEvent, type ItemFault } from './inbound-event.js';
import { storable } from './json-items.js';
import type { Normaliser } from './normaliser.js';

type Item = Readonly<Record<string, unknown>>;

/** Mailchimp's audience webhooks (https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/): one form per event, with nested members in brackets. */
export const mailchimpAudience: Normaliser = {
  name: 'mailchimp',
  consumes: ['application/x-www-form-urlencoded'],
  split: (body) => ({ items: [storable(formFields(body))], batch: false }),
  type: (item) => (isObject(item) ? textOf(item, 'type') : null),
  read,
};

function read(_: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const type = textOf(item, 'type');
  if (type === null) return { fault: 'event_type_required', pointer: '/type', detail: 'type is required.' };
  return eventOf({ channel: 'email', eventId: contentId(item), at: instantOf(item), ...(READERS.get(type) ?? unknown)(item) });
}

type Said = Partial<InboundEvent> & Pick<InboundEvent, 'name'>;

/** By Mailchimp's event types. They are about members of the audience, not about messages of ours. */
const READERS: ReadonlyMap<string, (item: Item) => Said> = new Map<string, (item: Item) => Said>([
  ['subscribe', (item) => ({ name: 'subscribed', introduces: true, ...personOf(item) })],
  // By the person or by an admin (`delete`): either way this audience may not write to them any more.
  ['unsubscribe', (item) => ({ email: emailOf(item, 'data[email]'), ...(isAbuse(item) ? COMPLAINED : UNSUBSCRIBED) })],
  ['cleaned', (item) => ({ email: emailOf(item, 'data[email]'), ...(isAbuse(item) ? COMPLAINED : BOUNCED) })],
  ['profile', (item) => ({ name: 'contact_changed', ...personOf(item) })],
  ['upemail', (item) => ({ name: 'contact_changed', email: emailOf(item, 'data[new_email]'), formerEmail: emailOf(item, 'data[old_email]') })],
  ['campaign', (item) => ({ name: textOf(item, 'data[status]') === 'sent' ? 'campaign_sent' : 'noted' })],
]);

const unknown = (item: Item): Said => ({ name: 'unknown', email: emailOf(item, 'data[email]') });

const COMPLAINED = { name: 'complained', closes: 'complaint' } as const;
const UNSUBSCRIBED = { name: 'unsubscribed', closes: 'unsubscribed' } as const;
const BOUNCED = { name: 'bounced', closes: 'hard_bounce' } as const;

const isAbuse = (item: Item): boolean => textOf(item, 'data[reason]') === 'abuse';

const personOf = (item: Item): Partial<InboundEvent> => ({
  email: emailOf(item, 'data[email]'),
  firstName: textOf(item, 'data[merges][FNAME]'),
  lastName: textOf(item, 'data[merges][LNAME]'),
});

const emailOf = (item: Item, field: string): string | null => textOf(item, field)?.toLowerCase() ?? null;

const FIRED_AT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/** `fired_at`, which is in UTC and does not say so. */
function instantOf(item: Item): Date | null {
  const text = textOf(item, 'fired_at');
  return text !== null && FIRED_AT.test(text) ? readInstant(`${text}Z`) : null;
}

/** Mailchimp's events have no ids, but a repeated event has exactly the same content. */
const contentId = (item: Item): string => createHash('sha256').update(JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))).digest('base64url');

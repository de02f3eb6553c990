import { createHash } from 'node:crypto';
import { isObject } from '#kernel';
import type { ProviderId } from '../providers.js';
import { instantOf, noObject, textOf } from './fields.js';
import { eventOf, type InboundEvent, type ItemFault } from './inbound-event.js';
import { splitJson } from './json-items.js';
import type { Normaliser } from './normaliser.js';

type Item = Readonly<Record<string, unknown>>;

/** The `objectTypeId` of contacts, for event types that do not name the object (`object.creation`). */
const CONTACTS = '0-1';

/** What can happen to objects of any kind (https://developers.hubspot.com/docs/api/webhooks#webhook-subscriptions). Events without meaning for us are kept. */
const ACTIONS: ReadonlySet<string> = new Set(['creation', 'deletion', 'merge', 'restore', 'associationChange', 'propertyChange', 'privacyDeletion', 'newMessage']);

/** The properties of a contact that a customer has too. */
export const CONTACT_PROPERTIES = ['email', 'phone', 'mobilephone', 'firstname', 'lastname'] as const;

/** HubSpot's property “Unsubscribed from all email”. */
export const OPTED_OUT = 'hs_email_optout';

const PROPERTIES: ReadonlySet<string> = new Set(CONTACT_PROPERTIES);

/**
 * What HubSpot posts: lists of up to 100 events, which contain the object's id but not its properties; and from workflows, a contact with its
 * properties, such as the form just submitted.
 */
export const hubspotEvents: Normaliser = { name: 'hubspot', consumes: ['application/json'], split: splitJson, type: (item) => (isObject(item) ? typeOf(item) : null), read };

function typeOf(item: Item): string | null {
  if (item.subscriptionType !== undefined) return textOf(item, 'subscriptionType');
  return isContact(item) ? (formOf(item) === null ? 'workflow.contact' : 'workflow.form_submission') : null;
}

function read(_: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const type = typeOf(item);
  if (type === null) return { fault: 'event_type_required', pointer: '/subscriptionType', detail: 'An event has a subscriptionType, and a contact of a workflow its properties.' };
  return item.subscriptionType === undefined ? readContact(item) : readEvent(item, type);
}

/** According to HubSpot, `eventId` is not unique, and `attemptNumber` differs with each attempt. So all ids, the property and the time together identify an event. */
function readEvent(item: Item, type: string): InboundEvent {
  const id = ['portalId', 'subscriptionId', 'eventId', 'occurredAt', 'objectId', 'propertyName'].map((field) => textOf(item, field));
  const [object, action] = type.split('.', 2) as [string, string | undefined];
  const ofContact = object === 'contact' || (object === 'object' && textOf(item, 'objectTypeId') === CONTACTS);
  const contactId = ofContact ? contactIdOf(item) : null;
  const known = { name: nameOf(item, action, contactId), eventId: JSON.stringify([type, ...id]), at: instantOf(item, 'occurredAt'), contactId };
  if (known.name === 'noted' || known.name === 'unknown') return eventOf(known);
  return eventOf({ ...known, channel: known.name === 'unsubscribed' ? 'email' : null, introduces: known.name !== 'unsubscribed' });
}

function nameOf(item: Item, action: string | undefined, contactId: string | null): InboundEvent['name'] {
  if (action === undefined || !ACTIONS.has(action)) return 'unknown';
  if (contactId === null) return 'noted';
  if (action === 'creation' || action === 'restore') return 'contact_created';
  if (action !== 'propertyChange') return 'noted';
  const property = textOf(item, 'propertyName') ?? '';
  if (property === OPTED_OUT) return textOf(item, 'propertyValue') === 'true' ? 'unsubscribed' : 'noted'; // withdrawing an opt-out is not consent
  return PROPERTIES.has(property) ? 'contact_changed' : 'noted';
}

/** A number with no more digits than JSON numbers keep exactly. */
const CONTACT_ID = /^[1-9]\d{0,14}$/;

const contactIdOf = (item: Item): string | null => ['objectId', 'vid', 'hs_object_id'].map((field) => textOf(item, field)).find((id) => id !== null && CONTACT_ID.test(id)) ?? null;

/** A contact from a workflow: whole, in the format of HubSpot's API v1 (`vid`, `properties.email.value`), or only the properties chosen in the workflow. */
function readContact(item: Item): InboundEvent {
  const form = formOf(item);
  return eventOf({
    name: form === null ? 'contact_changed' : 'form_submitted',
    introduces: true,
    eventId: `workflow/${createHash('sha256').update(JSON.stringify(item)).digest('base64url')}`,
    at: form === null ? null : instantOf(form, 'timestamp'),
    contactId: contactIdOf(item),
    ...contactOf(isObject(item.properties) ? item.properties : item),
  });
}

/** @param properties each a text, or an object with the text as its `value` */
export function contactOf(properties: Item): Pick<InboundEvent, 'email' | 'phone' | 'firstName' | 'lastName'> {
  const [email, phone, mobile, firstName, lastName] = CONTACT_PROPERTIES.map((name) => {
    const value = properties[name];
    return isObject(value) ? textOf(value, 'value') : textOf(properties, name);
  }) as [string | null, string | null, string | null, string | null, string | null];
  return { email: email?.toLowerCase() ?? null, phone: mobile ?? phone, firstName, lastName };
}

const isContact = (item: Item): boolean => isObject(item.properties) || item.vid !== undefined || item.email !== undefined;

/** The contact's latest form submission; null if there is none. */
function formOf(item: Item): Item | null {
  const forms = Array.isArray(item['form-submissions']) ? item['form-submissions'].filter(isObject) : [];
  const sentAt = (form: Item): number => instantOf(form, 'timestamp')?.getTime() ?? 0;
  return forms.reduce<Item | null>((last, form) => (last === null || sentAt(form) > sentAt(last) ? form : last), null);
}

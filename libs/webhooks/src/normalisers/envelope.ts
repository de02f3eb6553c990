import { isCustomerId } from '#customers';
import { isObject } from '#kernel';
import { CHANNELS, type Channel } from '#tenants';
import { readInstant } from '../instants.js';
import { reports, type ProviderId } from '../providers.js';
import { noObject } from './fields.js';
import { eventOf, type InboundEvent, type ItemFault, UNSUPPORTED } from './inbound-event.js';
import { splitJson } from './json-items.js';
import type { Normaliser } from './normaliser.js';

/** The longest texts that are read, in characters. Other members of the item are kept as they are. */
const LENGTHS = {
  event_type: 64, event_id: 255, customer_id: 255, email: 320, phone: 32, delivery_id: 128, campaign_id: 128,
  timestamp: 64, url: 4096, channel: 16, reason: 1000, first_name: 200, last_name: 200,
} as const;

type Field = keyof typeof LENGTHS;

/** Fields that some senders write as a JSON number. */
const NUMERIC: ReadonlySet<Field> = new Set(['event_id', 'customer_id', 'phone', 'timestamp']);

/** The API reference's envelope: `event_type`, the person (`email`, …), `campaign_id`, `timestamp`, and optional members. */
export const envelope: Normaliser = { name: 'envelope', consumes: ['application/json'], split: splitJson, type: (item) => (isObject(item) && typeof item.event_type === 'string' ? item.event_type : null), read };

function read(provider: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const texts = {} as Record<Field, string | null>;
  for (const field of Object.keys(LENGTHS) as Field[]) {
    const text = readText(item[field], LENGTHS[field], NUMERIC.has(field));
    if (text === undefined) return fault(field, `${field} must be a text of at most ${LENGTHS[field]} characters.`);
    texts[field] = text;
  }
  if (texts.event_type === null) return { fault: 'event_type_required', pointer: '/event_type', detail: 'event_type is required.' };
  if (texts.customer_id !== null && !isCustomerId(texts.customer_id)) return fault('customer_id', 'customer_id must be 1 to 200 characters without control characters, and neither . nor ..');
  const at = texts.timestamp === null ? null : readInstant(texts.timestamp);
  if (texts.timestamp !== null && at === null) return fault('timestamp', 'timestamp must be RFC 3339, Unix seconds or Unix milliseconds.');
  if (texts.channel !== null && !isChannel(texts.channel)) return fault('channel', `channel must be one of ${CHANNELS.join(', ')}.`);
  const [prefix, name] = splitType(texts.event_type);
  if (!reports(provider, name)) return { fault: UNSUPPORTED, pointer: '/event_type', detail: `${provider} reports no “${name}”.` };
  return eventOf({
    name,
    channel: texts.channel ?? prefix,
    eventId: texts.event_id,
    at,
    customerId: texts.customer_id,
    email: texts.email?.toLowerCase() ?? null,
    phone: texts.phone,
    introduces: name === 'contact_created' || name === 'form_submitted',
    deliveryId: texts.delivery_id,
    campaignId: texts.campaign_id,
    url: texts.url,
    machine: item.machine === true,
    reason: texts.reason,
    firstName: texts.first_name,
    lastName: texts.last_name,
  });
}

/** `email.opened` is `opened` of the email channel. */
function splitType(type: string): [Channel | null, string] {
  const [prefix, name] = type.toLowerCase().split('.', 2) as [string, string | undefined];
  return name !== undefined && isChannel(prefix) ? [prefix, type.toLowerCase().slice(prefix.length + 1)] : [null, type.toLowerCase()];
}

/** Null if absent or blank, undefined if of another type or too long. */
function readText(value: unknown, maxLength: number, numeric: boolean): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' && !(numeric && typeof value === 'number')) return undefined;
  const text = String(value).trim();
  return text.length > maxLength ? undefined : text || null;
}

const isChannel = (text: string): text is Channel => (CHANNELS as readonly string[]).includes(text);

const fault = (field: Field, detail: string): ItemFault => ({ fault: `invalid_${field}`, pointer: `/${field}`, detail });

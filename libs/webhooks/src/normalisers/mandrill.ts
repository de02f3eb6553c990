import type { SuppressionReason } from '#customers';
import { isObject, validationFailed } from '#kernel';
import type { ProviderId } from '../providers.js';
import { instantOf, noObject, textOf } from './fields.js';
import { formFields } from './form.js';
import { eventOf, type InboundEvent, type ItemFault } from './inbound-event.js';
import { splitJson } from './json-items.js';
import type { Items, Normaliser } from './normaliser.js';

type Item = Readonly<Record<string, unknown>>;

/** Mandrill's message events (https://mailchimp.com/developer/transactional/docs/webhooks/) in our terms. */
const NAMES: ReadonlyMap<string, InboundEvent['name']> = new Map([
  ['send', 'noted'],
  ['deferral', 'noted'],
  ['delivered', 'delivered'],
  ['open', 'opened'],
  ['click', 'clicked'],
  ['hard_bounce', 'bounced'],
  ['soft_bounce', 'bounced'],
  ['spam', 'complained'],
  ['unsub', 'unsubscribed'],
  ['reject', 'failed'],
  ['inbound', 'noted'],
]);

/** Mandrill's own lists of addresses, by their old and new names. It reports changes of them too, but we already know the events that led to them. */
const LISTS: ReadonlySet<string> = new Set(['blacklist', 'whitelist', 'denylist', 'allowlist', 'safelist']);

/** The reasons for a rejection that are about the address. */
const REJECTED: ReadonlyMap<string, SuppressionReason> = new Map([
  ['hard-bounce', 'hard_bounce'],
  ['invalid', 'hard_bounce'],
  ['spam', 'complaint'],
  ['unsub', 'unsubscribed'],
]);

/** What Mandrill (Mailchimp Transactional) posts: a form with a field of JSON, a list of up to 1,000 events. The list is empty when it only checks the URL. */
export const mandrillEvents: Normaliser = { name: 'mandrill', consumes: ['application/x-www-form-urlencoded'], split, type: (item) => (isObject(item) ? typeOf(item) : null), read };

function split(body: Buffer): Items {
  const { mandrill_events: events } = formFields(body);
  if (typeof events !== 'string') throw validationFailed([{ pointer: '/mandrill_events', code: 'required', detail: 'mandrill_events is required, once.' }]);
  return events.trim() === '[]' ? { items: [], batch: true } : splitJson(Buffer.from(events));
}

/** A message event names itself; a list's change is named after both. */
function typeOf(item: Item): string | null {
  const [list, action] = [textOf(item, 'type'), textOf(item, 'action')];
  return textOf(item, 'event') ?? (list !== null && action !== null ? `${list}.${action}` : list);
}

function read(_: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const type = typeOf(item);
  if (type === null) return { fault: 'event_type_required', pointer: '/event', detail: 'event is required.' };
  const at = instantOf(item, 'ts');
  if (textOf(item, 'event') === null) return eventOf({ name: LISTS.has(textOf(item, 'type')!) ? 'noted' : 'unknown', at, email: emailIn(objectIn(item, 'reject'), 'email') ?? emailIn(objectIn(item, 'entry'), 'email') });
  const message = objectIn(item, 'msg');
  const metadata = objectIn(message, 'metadata');
  const name = NAMES.get(type) ?? 'unknown';
  return eventOf({
    name,
    channel: 'email',
    eventId: eventIdOf(item, type),
    at,
    email: emailIn(message, type === 'inbound' ? 'from_email' : 'email'), // for mail from people, `email` is the mailbox that received it
    deliveryId: textOf(metadata, 'delivery_id'),
    providerMessageId: textOf(item, '_id') ?? textOf(message, '_id'),
    campaignId: textOf(metadata, 'campaign_id'),
    url: textOf(item, 'url'),
    machine: textOf(objectIn(item, 'user_agent_parsed'), 'type') === 'robot',
    ...(name === 'bounced' && { reason: type === 'soft_bounce' ? 'soft' : textOf(message, 'diag') ?? textOf(message, 'bounce_description') }),
    ...(name === 'failed' && rejectionOf(message)),
  });
}

/** `_id` identifies the message. The type and the time identify the event, and the link tells apart two clicks in the same second. */
function eventIdOf(item: Item, type: string): string | null {
  const [id, ts] = [textOf(item, '_id'), textOf(item, 'ts')];
  return id === null || ts === null ? null : JSON.stringify([id, type, ts, textOf(item, 'url')]);
}

function rejectionOf(message: Item): Pick<InboundEvent, 'reason' | 'closes'> {
  const reason = textOf(objectIn(message, 'reject'), 'reason');
  return { reason: reason === null ? 'mandrill_reject' : `mandrill_${reason}`, closes: REJECTED.get(reason ?? '') ?? null };
}

const emailIn = (item: Item, field: string): string | null => textOf(item, field)?.toLowerCase() ?? null;

const objectIn = (item: Item, field: string): Item => (isObject(item[field]) ? item[field] : {});

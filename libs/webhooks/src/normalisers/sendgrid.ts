import type { SuppressionReason } from '#customers';
import { isObject } from '#kernel';
import type { ProviderId } from '../providers.js';
import { instantOf, noObject, textOf } from './fields.js';
import { eventOf, type InboundEvent, type ItemFault } from './inbound-event.js';
import { splitJson } from './json-items.js';
import type { Normaliser } from './normaliser.js';

/** SendGrid's events (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event) in our terms. */
const NAMES: ReadonlyMap<string, InboundEvent['name']> = new Map([
  ['processed', 'noted'],
  ['deferred', 'noted'],
  ['delivered', 'delivered'],
  ['open', 'opened'],
  ['click', 'clicked'],
  ['bounce', 'bounced'],
  ['dropped', 'failed'],
  ['spamreport', 'complained'],
  ['unsubscribe', 'unsubscribed'],
  ['group_unsubscribe', 'unsubscribed'],
  ['group_resubscribe', 'subscribed'],
]);

/** The reasons for a drop that are about the address: it is on one of SendGrid's own suppression lists. */
const DROPPED: readonly [RegExp, SuppressionReason][] = [
  [/^bounced address/i, 'hard_bounce'],
  [/^invalid$/i, 'hard_bounce'],
  [/^spam report/i, 'complaint'],
  [/^unsubscribed/i, 'unsubscribed'],
];

/** SendGrid's Event Webhook: a list of up to several thousand events, each with the message's `custom_args` as members of its own. */
export const sendgridEvents: Normaliser = {
  name: 'sendgrid',
  consumes: ['application/json'],
  split: splitJson,
  type: (item) => (isObject(item) ? textOf(item, 'event') : null),
  read,
};

function read(_: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const type = textOf(item, 'event');
  if (type === null) return { fault: 'event_type_required', pointer: '/event', detail: 'event is required.' };
  const name = NAMES.get(type) ?? 'unknown';
  const reason = textOf(item, 'reason');
  return eventOf({
    name,
    channel: 'email',
    eventId: textOf(item, 'sg_event_id'),
    at: instantOf(item, 'timestamp'),
    email: textOf(item, 'email')?.toLowerCase() ?? null,
    deliveryId: textOf(item, 'delivery_id'),
    providerMessageId: messageIdOf(item),
    campaignId: textOf(item, 'campaign_id'),
    url: textOf(item, 'url'),
    machine: item.sg_machine_open === true,
    reason: name === 'bounced' && isSoft(item) ? 'soft' : reason,
    closes: type === 'dropped' ? (DROPPED.find(([words]) => words.test(reason ?? ''))?.[1] ?? null) : null,
  });
}

/**
 * The `X-Message-Id` of SendGrid's answer to the message: `sg_message_id` without the suffix that names the SendGrid filter that took it in.
 *
 * @example `14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0` gives `14c5d75ce93.dfd.64b469`, `pHtSzeAfSHK3.recvd-5f5-2.0` gives `pHtSzeAfSHK3`
 */
const messageIdOf = (item: Readonly<Record<string, unknown>>): string | null => textOf(item, 'sg_message_id')?.replace(/\.(filter|recvd).*$/s, '') ?? null;

/** A `blocked` message was refused because of its content or sender, and 4.x.x is temporary: in both cases the address stays open. */
const isSoft = (item: Readonly<Record<string, unknown>>): boolean => item.type === 'blocked' || (textOf(item, 'status')?.startsWith('4') ?? false);

import type { SuppressionReason } from '#customers';
import { twilioCloses } from '#delivery';
import { isObject } from '#kernel';
import type { ProviderId } from '../providers.js';
import { bodyHash } from '../schemes/twilio.js';
import { noObject, textOf } from './fields.js';
import { formFields } from './form.js';
import { eventOf, type InboundEvent, type ItemFault } from './inbound-event.js';
import { splitJson, storable } from './json-items.js';
import type { Items, Normaliser } from './normaliser.js';

type Item = Readonly<Record<string, unknown>>;

/** Twilio's statuses of a message (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values) in our terms. */
const STATUSES: ReadonlyMap<string, InboundEvent['name']> = new Map([
  ['accepted', 'noted'],
  ['scheduled', 'noted'],
  ['queued', 'noted'],
  ['sending', 'noted'],
  ['sent', 'noted'],
  ['partially_delivered', 'noted'],
  ['delivered', 'delivered'],
  ['read', 'opened'],
  ['undelivered', 'failed'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
]);

/** The status of an incoming message. */
const RECEIVED = 'received';

/** The opt-out keywords of the contract, in capitals and letters only (so `opt-out` and `Stop all!` match). */
const STOP = new Set(['STOP', 'QUIT', 'END', 'CANCEL', 'UNSUBSCRIBE', 'REVOKE', 'OPTOUT', 'STOPALL']);
const START = new Set(['START', 'YES', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

const E164 = /^\+[1-9]\d{6,14}$/;

/** What Twilio posts about messages: status callbacks (https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks) and incoming messages. */
export const twilioMessages: Normaliser = {
  name: 'twilio',
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  split,
  type: (item) => (isObject(item) ? typeOf(item) : null),
  read,
};

/** The delivery id is in the query of the callback URL that we gave Twilio with the message. */
function split(body: Buffer, query: URLSearchParams): Items {
  if (bodyHash(query) !== null) return splitJson(body);
  const deliveryId = query.get('delivery_id');
  return { items: [storable({ ...formFields(body), ...(deliveryId !== null && { delivery_id: deliveryId }) })], batch: false };
}

const typeOf = (item: Item): string | null => textOf(item, 'MessageStatus') ?? textOf(item, 'SmsStatus');

function read(_: ProviderId, item: unknown): InboundEvent | ItemFault {
  if (!isObject(item)) return noObject(item);
  const type = typeOf(item)?.toLowerCase();
  const sid = textOf(item, 'MessageSid') ?? textOf(item, 'SmsSid');
  const known = { channel: 'sms', eventId: sid === null || type === undefined ? null : `${sid}/${type}`, providerMessageId: sid } as const;
  if (type === RECEIVED) return eventOf({ ...known, name: MEANINGS[meaningOf(item) ?? 'none'], providerMessageId: null, phone: numberOf(item, 'From') });
  if (phoneOf(item, 'To') === null && numberOf(item, 'To') !== null) return eventOf({ ...known, name: 'noted', phone: numberOf(item, 'To') }); // another channel, such as WhatsApp: not a message of ours
  const name = STATUSES.get(type ?? '') ?? 'unknown';
  const code = textOf(item, 'ErrorCode');
  return eventOf({
    ...known,
    name,
    phone: phoneOf(item, 'To'),
    deliveryId: textOf(item, 'delivery_id'),
    ...(name === 'failed' && { reason: code === null || code === '0' ? `twilio_${type}` : `twilio_${code}`, closes: closesOf(code) }),
  });
}

const MEANINGS = { stop: 'unsubscribed', start: 'returned', help: 'noted', none: 'noted' } as const satisfies Record<string, InboundEvent['name']>;

/** What a message that consists of one keyword asks for. With Advanced Opt-Out, Twilio tells us, and the keywords are the account owner's, in any language. */
function meaningOf(item: Item): 'stop' | 'start' | 'help' | null {
  if (phoneOf(item, 'From') === null) return null; // another channel, such as WhatsApp, which we do not send to
  return wordIn(textOf(item, 'OptOutType')) ?? wordIn(textOf(item, 'Body')); // for a type that we do not know, the text decides
}

function wordIn(text: string | null): 'stop' | 'start' | 'help' | null {
  const letters = (text ?? '').normalize('NFKC').replace(/[^\p{L}]/gu, '').toUpperCase();
  return STOP.has(letters) ? 'stop' : START.has(letters) ? 'start' : HELP.has(letters) ? 'help' : null;
}

/** Whether somebody asks for help and Twilio has not already answered, as it does under Advanced Opt-Out. */
export const asksForHelp = (item: unknown): boolean => isObject(item) && typeOf(item) === RECEIVED && meaningOf(item) === 'help' && textOf(item, 'OptOutType') === null;

const closesOf = (code: string | null): SuppressionReason | null => twilioCloses(code ?? '') ?? null;

function phoneOf(item: Item, field: string): string | null {
  const text = textOf(item, field);
  return text !== null && E164.test(text) ? text : null;
}

/** A phone number, whatever the channel (`whatsapp:+14155550100`). */
function numberOf(item: Item, field: string): string | null {
  const text = textOf(item, field)?.replace(/^[a-z]+:/, '') ?? '';
  return E164.test(text) ? text : null;
}

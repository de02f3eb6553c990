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

/** Twilio's statuses of a message (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values) in our words. */
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

/** The type of a message that somebody sent us. */
const RECEIVED = 'received';

/** The opt-out words of the contract, in capitals and without what stands between letters (`opt-out`, `Stop all!`). */
const STOP = new Set(['STOP', 'QUIT', 'END', 'CANCEL', 'UNSUBSCRIBE', 'REVOKE', 'OPTOUT', 'STOPALL']);
const START = new Set(['START', 'YES', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

const E164 = /^\+[1-9]\d{6,14}$/;

/** What Twilio posts of messages: status callbacks (https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks) and those that people send us. */
export const twilioMessages: Normaliser = {
  name: 'twilio',
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  split,
  type: (item) => (isObject(item) ? typeOf(item) : null),
  read,
};

/** The delivery's id stands in the query of the callback that was asked for with the message. */
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
  if (phoneOf(item, 'To') === null && numberOf(item, 'To') !== null) return eventOf({ ...known, name: 'noted', phone: numberOf(item, 'To') }); // over WhatsApp, say: no message of ours
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

/** What a message wants that is nothing but one of the words. Twilio says it itself where Advanced Opt-Out is on: with words of the operator's own, in any language. */
function meaningOf(item: Item): 'stop' | 'start' | 'help' | null {
  if (phoneOf(item, 'From') === null) return null; // over WhatsApp, say: nothing of ours goes there
  return wordIn(textOf(item, 'OptOutType')) ?? wordIn(textOf(item, 'Body')); // of a type that we do not know, what they wrote
}

function wordIn(text: string | null): 'stop' | 'start' | 'help' | null {
  const letters = (text ?? '').normalize('NFKC').replace(/[^\p{L}]/gu, '').toUpperCase();
  return STOP.has(letters) ? 'stop' : START.has(letters) ? 'start' : HELP.has(letters) ? 'help' : null;
}

/** Whether somebody asks for help whom Twilio has not answered itself, as it does under Advanced Opt-Out. */
export const asksForHelp = (item: unknown): boolean => isObject(item) && typeOf(item) === RECEIVED && meaningOf(item) === 'help' && textOf(item, 'OptOutType') === null;

const closesOf = (code: string | null): SuppressionReason | null => twilioCloses(code ?? '') ?? null;

function phoneOf(item: Item, field: string): string | null {
  const text = textOf(item, field);
  return text !== null && E164.test(text) ? text : null;
}

/** A phone number, over whichever channel (`whatsapp:+14155550100`). */
function numberOf(item: Item, field: string): string | null {
  const text = textOf(item, field)?.replace(/^[a-z]+:/, '') ?? '';
  return E164.test(text) ? text : null;
}

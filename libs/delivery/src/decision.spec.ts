import { decide, type Recipient } from './decision.js';

const now = new Date('2026-01-31T12:00:00Z');
const recipient: Recipient = { channel: 'email', address: 'a@example.com', consent: 'unknown', suppressed: null, attempts: 0 };
const rules = { type: 'promotion', endsAt: null, now };

test.each<[string, Partial<Recipient>, object, string | null]>([
  ['email without a word on consent', {}, {}, null],
  ['email after an opt-out', { consent: 'unsubscribed' }, {}, 'no_consent'],
  ['SMS without a word on consent', { channel: 'sms' }, {}, 'no_consent'],
  ['SMS after an opt-in', { channel: 'sms', consent: 'subscribed' }, {}, null],
  ['push without a word on consent', { channel: 'push' }, {}, 'no_consent'],
  ['nowhere to send to', { address: null }, {}, 'no_address'],
  ['a complaint', { suppressed: 'complaint' }, {}, 'suppressed'],
  ['a receipt to somebody who opted out', { consent: 'unsubscribed', suppressed: 'unsubscribed' }, { type: 'transactional' }, null],
  ['a receipt to a dead address', { suppressed: 'hard_bounce' }, { type: 'transactional' }, 'suppressed'],
  ['after the end', {}, { endsAt: now }, 'window_missed'],
  ['after the end, tried before it', { attempts: 1 }, { endsAt: now }, null],
  ['before the end', {}, { endsAt: new Date('2026-01-31T12:00:00.001Z') }, null],
])('%s', (_, about, of, expected) => {
  expect(decide({ ...recipient, ...about }, { ...rules, ...of })).toBe(expected);
});

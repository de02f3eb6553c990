import { decide, type Recipient, type SendingRules } from './decision.js';

const now = new Date('2026-01-31T12:00:00Z');
const recipient: Recipient = { channel: 'email', address: 'a@example.com', consent: 'unknown', suppressed: null, attempts: 0, heldOut: false, timezone: null, contacts: { had: 0, ahead: 0, aheadUntil: null } };
const rules: SendingRules = { type: 'promotion', endsAt: null, now, quietHours: null, timezone: 'UTC', cap: null };

test.each<[string, Partial<Recipient>, object, string | null]>([
  ['email without a word on consent', {}, {}, null],
  ['email after an opt-out', { consent: 'unsubscribed' }, {}, 'no_consent'],
  ['SMS without a word on consent', { channel: 'sms' }, {}, 'no_consent'],
  ['SMS after an opt-in', { channel: 'sms', consent: 'subscribed' }, {}, null],
  ['push without a word on consent', { channel: 'push' }, {}, 'no_consent'],
  ['nowhere to send to', { address: null }, {}, 'no_address'],
  ['a complaint', { suppressed: 'complaint' }, {}, 'suppressed'],
  ['a receipt to somebody who opted out', { consent: 'unsubscribed', suppressed: 'unsubscribed' }, { type: 'transactional' }, null],
  ['a receipt to somebody who complained', { suppressed: 'complaint' }, { type: 'transactional' }, 'suppressed'],
  ['a receipt to whom the operator closed', { suppressed: 'manual' }, { type: 'transactional' }, 'suppressed'],
  ['a receipt to a phone that said STOP', { channel: 'sms', consent: 'unsubscribed', suppressed: 'unsubscribed' }, { type: 'transactional' }, 'suppressed'],
  ['a receipt to a dead address', { suppressed: 'hard_bounce' }, { type: 'transactional' }, 'suppressed'],
  ['a receipt to a mailbox long full', { suppressed: 'soft_bounces' }, { type: 'transactional' }, 'suppressed'],
  ['the control group', { heldOut: true }, {}, 'holdout'],
  ['the control group, where nobody would be written to', { heldOut: true, address: null }, {}, 'no_address'],
  ['after the end', {}, { endsAt: now }, 'window_missed'],
  ['after the end, tried before it', { attempts: 1 }, { endsAt: now }, null],
  ['before the end', {}, { endsAt: new Date('2026-01-31T12:00:00.001Z') }, null],
])('%s', (_, about, of, expected) => {
  expect(decide({ ...recipient, ...about }, { ...rules, ...of })).toEqual(expected === null ? { to: 'send' } : { to: 'skip', reason: expected });
});

const NIGHT = { from: '21:00', to: '08:00' };

test.each<[string, Partial<Recipient>, Partial<SendingRules>, string | null]>([
  ['by day', { timezone: 'Europe/Berlin' }, { quietHours: NIGHT }, null],
  ['by the recipient’s night', { timezone: 'Asia/Tokyo' }, { quietHours: NIGHT }, '2026-01-31T23:00:00.000Z'],
  ['by the tenant’s night, where nobody knows the recipient’s zone', {}, { quietHours: NIGHT, timezone: 'Asia/Tokyo' }, '2026-01-31T23:00:00.000Z'],
  ['by the tenant’s night, in a zone nobody knows', { timezone: 'Mars/Olympus' }, { quietHours: NIGHT, timezone: 'Asia/Tokyo' }, '2026-01-31T23:00:00.000Z'],
  ['a receipt by night', { timezone: 'Asia/Tokyo' }, { quietHours: NIGHT, type: 'transactional' }, null],
  ['until the campaign’s end at the latest', { timezone: 'Asia/Tokyo' }, { quietHours: NIGHT, endsAt: new Date('2026-01-31T20:00:00Z') }, '2026-01-31T20:00:00.000Z'],
  ['until the morning, tried before', { timezone: 'Asia/Tokyo', attempts: 1 }, { quietHours: NIGHT, endsAt: new Date('2026-01-31T20:00:00Z') }, '2026-01-31T23:00:00.000Z'],
  ['while a more urgent campaign may take what the cap leaves', { contacts: { had: 1, ahead: 1, aheadUntil: null } }, { cap: 2 }, '2026-01-31T12:00:30.000Z'],
  ['until what a more urgent campaign has for them is due', { contacts: { had: 1, ahead: 1, aheadUntil: new Date('2026-01-31T12:40:00Z') } }, { cap: 2 }, '2026-01-31T12:40:00.000Z'],
  ['for an hour at most, should nobody tell that it was stopped', { contacts: { had: 1, ahead: 1, aheadUntil: new Date('2026-02-01T08:00:00Z') } }, { cap: 2 }, '2026-01-31T13:00:00.000Z'],
  ['for others until the campaign’s end at the latest', { contacts: { had: 0, ahead: Infinity, aheadUntil: null } }, { cap: 1, endsAt: new Date('2026-01-31T12:00:10Z') }, '2026-01-31T12:00:10.000Z'],
  ['the control group, too: it is drawn from those who could be written to then', { timezone: 'Asia/Tokyo', heldOut: true }, { quietHours: NIGHT }, '2026-01-31T23:00:00.000Z'],
  ['when the cap leaves room for both', { contacts: { had: 1, ahead: 1, aheadUntil: null } }, { cap: 3 }, null],
])('%s', (_, about, of, until) => {
  expect(decide({ ...recipient, ...about }, { ...rules, ...of })).toMatchObject(until === null ? { to: 'send' } : { to: 'defer', until: new Date(until) });
});

test.each<[number, Partial<SendingRules>, string]>([
  [1, { cap: 2 }, 'send'],
  [2, { cap: 2 }, 'skip'],
  [2, { cap: 2, type: 'transactional' }, 'send'],
])('who had %i under %j: %s', (had, of, to) => {
  expect(decide({ ...recipient, contacts: { had, ahead: 0, aheadUntil: null } }, { ...rules, ...of })).toMatchObject({ to });
});

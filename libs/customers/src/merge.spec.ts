import { mergeProfiles } from './merge.js';
import type { Consent, CustomerProfile } from './profile.js';

const BARE: CustomerProfile = {
  customer_no: 1, customer_id: 'ada', email: null, phone: null, first_name: null, last_name: null, locale: null, timezone: null, birthday: null, city: null, loyalty_tier: null,
  loyalty_points: null, tags: [], attributes: {}, push_subscription: null, consent_email: 'unknown', consent_sms: 'unknown', consent_push: 'unknown', consents: {}, version: 1,
};
const profile = (fields: Partial<CustomerProfile>): CustomerProfile => ({ ...BARE, ...fields });
const on = (day: number): string => `2026-03-0${day}T00:00:00.000Z`;
const IN = (day: number): Consent => ({ status: 'subscribed', source: 'form', at: on(day) });
const OUT = (day: number): Consent => ({ status: 'unsubscribed', source: 'link', at: on(day) });

test('the survivor keeps what it has, even zero, and gains what it lacks', () => {
  const into = profile({ first_name: 'Ada', loyalty_points: 0, tags: ['vip'], attributes: { dish: 'soup' } });
  const from = profile({ customer_no: 2, customer_id: 'old', first_name: 'A.', city: 'Bern', loyalty_points: 90, tags: ['vip', 'lunch'], attributes: { dish: 'pizza', table: '7' } });
  expect(mergeProfiles(into, from)).toEqual({ ...into, city: 'Bern', tags: ['vip', 'lunch'], attributes: { dish: 'soup', table: '7' } });
});

const A = '+14155552671';
const B = '+14155552672';
const person = (phone: string | null, consent?: Consent) => profile({ phone, ...(consent && { consents: { sms: consent }, consent_sms: consent.status }) });

test.each<[string, CustomerProfile, CustomerProfile, Consent | undefined]>([
  ['an opt-out of the survivor stands', person(A, OUT(1)), person(B, IN(2)), OUT(1)],
  ['an opt-out of the other stands', person(A, IN(2)), person(B, OUT(1)), OUT(1)],
  ['of two opt-outs the later', person(A, OUT(1)), person(B, OUT(2)), OUT(2)],
  ['a later consent for the same number takes an opt-out back', person(A, OUT(1)), person(A, IN(2)), IN(2)],
  ['and whichever of the two said so', person(A, IN(2)), person(A, OUT(1)), IN(2)],
  ['at the same instant the opt-out stands', person(A, IN(1)), person(A, OUT(1)), OUT(1)],
  ['an older consent does not', person(A, IN(1)), person(A, OUT(2)), OUT(2)],
  ['not even for a number gained', person(null, OUT(1)), person(B, IN(2)), OUT(1)],
  ['a consent comes with its number', person(null), person(B, IN(1)), IN(1)],
  ['or for the same one', person(A), person(A, IN(1)), IN(1)],
  ['but never for another number', person(A), person(B, IN(1)), undefined],
  ['the survivor’s own consent is kept', person(A, IN(1)), person(B), IN(1)],
])('consents: %s', (_, into, from, expected) => {
  const merged = mergeProfiles(into, from);
  expect([merged.consents.sms, merged.consent_sms]).toEqual([expected, expected?.status ?? 'unknown']);
});

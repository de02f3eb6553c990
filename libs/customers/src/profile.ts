import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '#kernel';
import { CHANNELS, type Channel } from '#tenants';
import { inOneSpelling } from './one-spelling.js';

export const CONSENT_STATUSES = ['subscribed', 'unsubscribed', 'unknown'] as const;
export type ConsentStatus = (typeof CONSENT_STATUSES)[number];

export interface Consent {
  status: ConsentStatus;
  /** Where it was given or withdrawn, such as `checkout` or `webhook:sendgrid`. */
  source: string | null;
  /** When the customer did; ISO 8601. */
  at: string | null;
}

/** The fields of a profile that callers set. */
export interface ProfileFields {
  /** Normalised: see {@link normaliseEmail}. */
  email: string | null;
  /** E.164. */
  phone: string | null;
  first_name: string | null;
  last_name: string | null;
  locale: string | null;
  timezone: string | null;
  /** YYYY-MM-DD. */
  birthday: string | null;
  city: string | null;
  loyalty_tier: string | null;
  loyalty_points: number | null;
  tags: string[];
  attributes: JsonObject;
  push_subscription: JsonObject | null;
}

/** Everything a template or a channel may need of a customer. */
export interface CustomerProfile extends ProfileFields {
  customer_no: number;
  customer_id: string;
  consent_email: ConsentStatus;
  consent_sms: ConsentStatus;
  consent_push: ConsentStatus;
  /** Channels without an entry are `unknown`. */
  consents: Partial<Record<Channel, Consent>>;
  version: number;
}

export interface ConsentPatch {
  status: ConsentStatus;
  source?: string | null;
  at?: string | null;
}

/** What to change: a field left out stays, null clears it. Attributes are merged key by key. Values are normalised already. */
export type ProfilePatch = { [Field in keyof Omit<ProfileFields, 'tags' | 'attributes'>]?: ProfileFields[Field] } & {
  tags?: string[] | null;
  attributes?: { [name: string]: Json } | null;
  consents?: Partial<Record<Channel, ConsentPatch | null>> | null;
};

export const PROFILE_FIELDS = [
  'email', 'phone', 'first_name', 'last_name', 'locale', 'timezone', 'birthday', 'city',
  'loyalty_tier', 'loyalty_points', 'tags', 'attributes', 'push_subscription',
] as const satisfies readonly (keyof ProfileFields)[];

/** A customer about whom nothing is known. */
export const blankProfile = (customerNo: number, customerId: string): CustomerProfile => ({
  customer_no: customerNo, customer_id: customerId,
  email: null, phone: null, first_name: null, last_name: null, locale: null, timezone: null, birthday: null, city: null,
  loyalty_tier: null, loyalty_points: null, tags: [], attributes: {}, push_subscription: null,
  consent_email: 'unknown', consent_sms: 'unknown', consent_push: 'unknown', consents: {}, version: 1,
});

/** What people write of a person: it comes in whatever spelling, and is kept in one. */
const WRITTEN: ReadonlySet<string> = new Set<keyof ProfileFields>(['first_name', 'last_name', 'city', 'loyalty_tier']);

/** The profile after the patch, consents aside: those have rules of their own, see {@link decideConsent}. The very same if nothing is changed. */
export function applyPatch(profile: CustomerProfile, patch: ProfilePatch): CustomerProfile {
  let next = profile;
  for (const field of PROFILE_FIELDS) {
    const value = patch[field];
    if (value === undefined) continue;
    const wanted = field === 'tags' ? [...new Set(inOneSpelling((value as string[] | null) ?? []))] : field === 'attributes' ? mergeAttributes(profile.attributes, value as JsonObject | null) : WRITTEN.has(field) ? inOneSpelling(value) : value;
    if (wanted === profile[field] || (typeof wanted === 'object' && isDeepStrictEqual(wanted, profile[field]))) continue;
    if (next === profile) next = { ...profile };
    (next as unknown as Record<string, unknown>)[field] = wanted;
  }
  return next;
}

function mergeAttributes(known: JsonObject, patch: JsonObject | null): JsonObject {
  if (patch === null) return {};
  return Object.fromEntries(Object.entries({ ...known, ...patch }).flatMap(([name, value]) => (value === null ? [] : [[name, inOneSpelling(value)]])));
}

/** The address by which the channel reaches the customer: an email address, a phone number, a browser's push endpoint or an app's token. */
export function addressOf(profile: CustomerProfile, channel: Channel): string | null {
  if (channel === 'email') return profile.email;
  if (channel === 'sms') return profile.phone;
  return endpointOf(profile.push_subscription);
}

export function endpointOf(subscription: JsonObject | null): string | null {
  const endpoint = subscription?.endpoint ?? subscription?.fcm_token;
  return typeof endpoint === 'string' ? endpoint : null;
}

export const consentOf = (profile: CustomerProfile, channel: Channel): Consent => profile.consents[channel] ?? { status: 'unknown', source: null, at: null };

/** Sets the consent and the column that is filtered by. */
export function withConsent(profile: CustomerProfile, channel: Channel, consent: Consent): CustomerProfile {
  return { ...profile, [`consent_${channel}`]: consent.status, consents: { ...profile.consents, [channel]: consent } };
}

export { CHANNELS, type Channel };

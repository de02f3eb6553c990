import { addressOf, applyPatch, CHANNELS, type Channel, type Consent, consentOf, type CustomerProfile, PROFILE_FIELDS, withConsent } from './profile.js';

/**
 * The merged profile of two that are the same person: `into` keeps what it has and gains what it lacks. Tags and attributes are united; where both
 * have an attribute, `into`'s stays. Loyalty points are not added up: they are a balance that the loyalty system keeps, not we.
 */
export function mergeProfiles(into: CustomerProfile, from: CustomerProfile): CustomerProfile {
  const gained = Object.fromEntries(PROFILE_FIELDS.filter((field) => into[field] === null).map((field) => [field, from[field]]));
  const merged = applyPatch(into, { ...gained, tags: [...into.tags, ...from.tags], attributes: { ...from.attributes, ...into.attributes } });
  return CHANNELS.reduce((profile, channel) => {
    const consent = mergeConsents(into, from, channel);
    return consent.status === 'unknown' ? profile : withConsent(profile, channel, consent);
  }, merged);
}

/**
 * An opt-out of either stands, unless the same person took it back later for the same address. A consent is only taken over together with its
 * address: one given for a number that is dropped says nothing about the number that stays.
 */
function mergeConsents(into: CustomerProfile, from: CustomerProfile, channel: Channel): Consent {
  const [kept, other] = [consentOf(into, channel), consentOf(from, channel)];
  const address = addressOf(into, channel);
  const shared = address !== null && address === addressOf(from, channel);
  const latest = at(other) > at(kept) ? other : kept;
  const optedOut = [kept, other].filter((consent) => consent.status === 'unsubscribed');
  if (optedOut.length > 0) {
    const last = optedOut.reduce((a, b) => (at(b) > at(a) ? b : a));
    return shared && latest.status === 'subscribed' && at(latest) > at(last) ? latest : last;
  }
  return kept.status === 'unknown' && (shared || address === null) ? other : kept;
}

const at = (consent: Consent): number => (consent.at === null ? 0 : Date.parse(consent.at));

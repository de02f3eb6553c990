import { createHash, timingSafeEqual } from 'node:crypto';
import { INVALID, queryOf, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';

/** Hashing lets texts of any length be compared in constant time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const secretInUrl = ({ url }: Pick<SignedRequest, 'url'>): string | null => new URLSearchParams(queryOf(url)).get('secret');

/**
 * Mailchimp signs nothing. It recommends a secret in the URL (https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/),
 * and checks that URL by GET before it posts there.
 */
export function verifyMailchimp(request: Pick<SignedRequest, 'url'>, trust: Trust): Verdict {
  const given = digest(secretInUrl(request) ?? '');
  return trust.secrets.some((secret) => timingSafeEqual(digest(secret), given)) ? UNDATED : INVALID;
}

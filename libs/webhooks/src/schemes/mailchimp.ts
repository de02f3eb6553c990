import { createHash, timingSafeEqual } from 'node:crypto';
import { INVALID, queryOf, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';

/** Hashed, texts of any length compare in constant time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const secretInUrl = ({ url }: Pick<SignedRequest, 'url'>): string | null => new URLSearchParams(queryOf(url)).get('secret');

/**
 * Mailchimp signs nothing. It advises a secret in the URL that it is given (https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/),
 * and looks at that URL by GET before it posts there.
 */
export function verifyMailchimp(request: Pick<SignedRequest, 'url'>, trust: Trust): Verdict {
  const given = digest(secretInUrl(request) ?? '');
  return trust.secrets.some((secret) => timingSafeEqual(digest(secret), given)) ? UNDATED : INVALID;
}

import { createHash, createHmac } from 'node:crypto';
import { header, INVALID, isSame, queryOf, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';
import { sortedForm } from './sorted-form.js';

export const TWILIO_SIGNATURE = 'x-twilio-signature';

/**
 * Twilio's request signature (https://www.twilio.com/docs/usage/webhooks/webhooks-security): HMAC-SHA1, under the account's auth token, of
 * the public URL with its query and then the form's fields, sorted by name, name and value with nothing between. A JSON body is not signed
 * itself: its SHA-256 stands in the query, as `bodySHA256`. The URL may have been signed with its port or without. Nothing says
 * when: a request that comes again is known by its message and status.
 */
export function verifyTwilio(request: SignedRequest, trust: Trust): Verdict {
  const signature = header(request, TWILIO_SIGNATURE);
  const fields = signature === null ? null : signedFields(request);
  if (fields === null) return INVALID;
  const urls = spellings(request.url);
  const right = trust.secrets.some((token) => urls.some((url) => isSame(signature!, createHmac('sha1', token).update(url + fields).digest('base64'))));
  return right ? UNDATED : INVALID;
}

/** What is signed beside the URL; null when the body is not the one that the URL has the hash of. */
function signedFields({ url, body }: SignedRequest): string | null {
  const hash = bodyHash(new URLSearchParams(queryOf(url)));
  if (hash === null) return sortedForm(body);
  return createHash('sha256').update(body).digest('hex') === hash ? '' : null;
}

/** The SHA-256 of a JSON body, in hex, as Twilio puts it into the query; null for a form. */
export const bodyHash = (query: URLSearchParams): string | null => query.get('bodySHA256');

const ORIGIN = /^(https?):\/\/(\[[^\]]*\]|[^/?:]*)(:\d+)?/;
const PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/** The URL without its port, and with it or the one that goes without saying: Twilio has signed either. */
function spellings(url: string): string[] {
  const [origin, scheme, host, port] = ORIGIN.exec(url) as unknown as [string, string, string, string?];
  const rest = url.slice(origin.length);
  return [`${scheme}://${host}${rest}`, `${scheme}://${host}${port ?? PORTS[scheme]!}${rest}`];
}

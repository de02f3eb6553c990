import { createHash, createHmac } from 'node:crypto';
import { header, INVALID, isSame, queryOf, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';
import { sortedForm } from './sorted-form.js';

export const TWILIO_SIGNATURE = 'x-twilio-signature';

/**
 * Twilio's request signature (https://www.twilio.com/docs/usage/webhooks/webhooks-security): HMAC-SHA1, keyed with the account's auth token, of
 * the public URL with its query followed by the form's fields, sorted by name, without separators. A JSON body is not signed
 * itself: its SHA-256 is in the query, as `bodySHA256`. The URL may have been signed with or without its port. No timestamp
 * is signed: a repeated request is recognised by its message and status.
 */
export function verifyTwilio(request: SignedRequest, trust: Trust): Verdict {
  const signature = header(request, TWILIO_SIGNATURE);
  const fields = signature === null ? null : signedFields(request);
  if (fields === null) return INVALID;
  const urls = spellings(request.url);
  const right = trust.secrets.some((token) => urls.some((url) => isSame(signature!, createHmac('sha1', token).update(url + fields).digest('base64'))));
  return right ? UNDATED : INVALID;
}

/** What is signed besides the URL; null if the body does not match the hash in the URL, or the form has too many fields. */
function signedFields({ url, body }: SignedRequest): string | null {
  const hash = bodyHash(new URLSearchParams(queryOf(url)));
  if (hash === null) return sortedForm(body);
  return createHash('sha256').update(body).digest('hex') === hash ? '' : null;
}

/** The SHA-256 of a JSON body, in hex, that Twilio puts into the query; null for a form. */
export const bodyHash = (query: URLSearchParams): string | null => query.get('bodySHA256');

const ORIGIN = /^(https?):\/\/(\[[^\]]*\]|[^/?:]*)(:\d+)?/;
const PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/** The URL without its port, and with its explicit or default port: Twilio signs either. */
function spellings(url: string): string[] {
  const [origin, scheme, host, port] = ORIGIN.exec(url) as unknown as [string, string, string, string?];
  const rest = url.slice(origin.length);
  return [`${scheme}://${host}${rest}`, `${scheme}://${host}${port ?? PORTS[scheme]!}${rest}`];
}

import { createHash } from 'node:crypto';
import { readInstant } from '../instants.js';
import { fresh, header, hmacSha256, INVALID, isSame, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';

const V3 = 'x-hubspot-signature-v3';
const TIMESTAMP = 'x-hubspot-request-timestamp';
const OLDER = 'x-hubspot-signature';
const VERSION = 'x-hubspot-signature-version';

const MILLISECONDS = /^\d{12,14}$/;

/** The characters that HubSpot decodes in the URL before it signs: : / ? @ ! $ ' ( ) * , ; and no others. */
const DECODED = /%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi;

export const isHubSpots = ({ headers }: SignedRequest): boolean => headers[V3] !== undefined || headers[OLDER] !== undefined;

/**
 * HubSpot's request signatures (https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation), keyed with
 * the app's client secret. A request with a v3 signature, which includes a timestamp, must pass v3: if that fails, an older signature
 * does not help. Only requests without v3 are verified by the older versions.
 */
export function verifyHubSpot(request: SignedRequest, trust: Trust): Verdict {
  return request.headers[V3] === undefined ? verifyOlder(request, trust) : verifyV3(request, trust);
}

/** HMAC-SHA256, base64, of method, URL, body and the timestamp in Unix milliseconds, without separators. */
function verifyV3(request: SignedRequest, trust: Trust): Verdict {
  const signature = header(request, V3);
  const timestamp = header(request, TIMESTAMP);
  const at = timestamp !== null && MILLISECONDS.test(timestamp) ? readInstant(timestamp) : null;
  if (signature === null || at === null) return INVALID;
  const url = request.url.replace(DECODED, decodeURIComponent);
  const right = trust.secrets.some((secret) => isSame(signature, hmacSha256(secret, request.method, url, request.body, timestamp!).toString('base64')));
  return right ? fresh(at, trust) : INVALID;
}

/** SHA-256, in hex, of the secret followed by the body (v1), or by method, URL and body (v2, in workflows). Neither includes a timestamp. */
function verifyOlder({ method, url, headers, body }: SignedRequest, trust: Trust): Verdict {
  const signature = header({ headers }, OLDER);
  const version = header({ headers }, VERSION);
  if (signature === null || (version !== 'v1' && version !== 'v2')) return INVALID;
  const before = version === 'v1' ? '' : method + url;
  const right = trust.secrets.some((secret) => isSame(signature, createHash('sha256').update(secret + before).update(body).digest('hex')));
  return right ? UNDATED : INVALID;
}

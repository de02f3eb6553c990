import { fresh, header, hmacSha256, INVALID, isSame, type Signed, type Trust, type Verdict } from './scheme.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A message id becomes part of an event's identity, so it is bounded. */
const MESSAGE_ID = /^[\x21-\x7e]{1,255}$/;

/**
 * Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * `webhook-signature` is a space-separated list of `v1,<base64>`, each the HMAC-SHA256 of
 * `<webhook-id>.<webhook-timestamp>.<raw body>`; the timestamp is in Unix seconds.
 */
export function verifyStandard(request: Signed, trust: Trust): Verdict {
  const id = header(request, 'webhook-id');
  const timestamp = header(request, 'webhook-timestamp');
  if (id === null || !MESSAGE_ID.test(id) || timestamp === null || !/^\d{1,11}$/.test(timestamp)) return INVALID;
  const signatures = (header(request, 'webhook-signature') ?? '').split(' ', 32);
  for (const secret of trust.secrets) {
    const expected = `v1,${hmacSha256(standardKey(secret), `${id}.${timestamp}.`, request.body).toString('base64')}`;
    if (signatures.some((one) => isSame(one, expected))) return fresh(new Date(Number(timestamp) * 1000), trust, id);
  }
  return INVALID;
}

/** The secret's bytes: base64 after an optional `whsec_`, as the standard's libraries read it; if it is not base64, its UTF-8 bytes. */
export function standardKey(secret: string): Buffer {
  const encoded = secret.replace(/^whsec_/, '');
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.from(secret, 'utf8');
}

import { timingSafeEqual } from 'node:crypto';
import { readInstant } from '../instants.js';
import { fresh, header, hmacSha256, INVALID, type Signed, type Trust, type Verdict } from './scheme.js';

const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const LABELLED = /^(sha256|v1|t)=(.*)$/i;

/** More signatures than any rotation needs; the rest of a longer list is ignored. */
const MAX_SIGNATURES = 32;

/**
 * The API reference's own scheme: `X-Webhook-Signature` is the HMAC-SHA256 of `<X-Webhook-Timestamp>.<raw body>` under the
 * UTF-8 bytes of the secret. It may be written `sha256=<hex>`, as bare hex, in base64, `v1=…`, `t=…,v1=…`, or as a list of
 * these, of which one must match. The timestamp enters the MAC verbatim; `t=` gives it where the header is missing.
 */
export function verifyGeneric(request: Signed, trust: Trust): Verdict {
  const { signatures, timestamps } = readSignatures(header(request, 'x-webhook-signature') ?? '');
  const named = header(request, 'x-webhook-timestamp');
  if (named !== null) timestamps.unshift(named);
  for (const timestamp of new Set(timestamps)) {
    const at = readInstant(timestamp);
    if (at === null) continue;
    for (const secret of trust.secrets) {
      const expected = hmacSha256(secret, `${timestamp}.`, request.body);
      if (signatures.some((one) => timingSafeEqual(one, expected))) return fresh(at, trust);
    }
  }
  return INVALID;
}

/** Every 32-byte signature in the header, and its `t=` timestamp. Other parts are ignored: they may belong to another scheme. */
function readSignatures(text: string): { signatures: Buffer[]; timestamps: string[] } {
  const signatures: Buffer[] = [];
  const timestamps: string[] = [];
  for (const part of text.split(/[,;\s]+/, MAX_SIGNATURES)) {
    const [, label, labelled] = LABELLED.exec(part) ?? [];
    const value = labelled ?? part;
    if (label?.toLowerCase() === 't') timestamps.splice(0, 1, value);
    else if (HEX.test(value)) signatures.push(Buffer.from(value, 'hex'));
    else if (BASE64.test(value)) signatures.push(Buffer.from(value, 'base64'));
  }
  return { signatures, timestamps };
}

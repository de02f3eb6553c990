import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readInstant } from '../instants.js';
import { fresh, header, INVALID, type Signed, type Trust, type Verdict } from './scheme.js';

export const SENDGRID_SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';

/** In base64, a P-256 key has 124 characters and a DER signature at most 96. */
const BASE64 = /^[A-Za-z0-9+/]{8,200}={0,2}$/;

/**
 * SendGrid's Signed Event Webhook (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features):
 * ECDSA with P-256 and SHA-256 over the timestamp header and the raw bytes, without a separator; the signature is base64 of DER.
 */
export function verifySendGrid(request: Signed, trust: Trust): Verdict {
  const signature = header(request, SENDGRID_SIGNATURE);
  const timestamp = header(request, TIMESTAMP);
  const at = timestamp === null ? null : readInstant(timestamp);
  if (signature === null || !BASE64.test(signature) || at === null) return INVALID;
  const signed = Buffer.concat([Buffer.from(timestamp!), request.body]);
  const right = trust.secrets.some((one) => isSignedWith(readPublicKey(one), signed, Buffer.from(signature, 'base64')));
  return right ? fresh(at, trust) : INVALID;
}

/**
 * A public key as SendGrid shows it: the base64 of its SubjectPublicKeyInfo in DER, on one line, or the same as PEM.
 *
 * @returns null if it is not a P-256 key
 */
export function readPublicKey(text: string): KeyObject | null {
  const encoded = text.replace(/-----(BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s/g, '');
  if (!BASE64.test(encoded)) return null;
  try {
    const key = createPublicKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null; // base64 of something else
  }
}

function isSignedWith(key: KeyObject | null, signed: Buffer, signature: Buffer): boolean {
  try {
    return key !== null && verify('sha256', signed, key, signature);
  } catch {
    return false; // not DER
  }
}

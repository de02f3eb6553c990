import { createHmac } from 'node:crypto';
import { header, INVALID, isSame, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';
import { sortedForm } from './sorted-form.js';

export const MANDRILL_SIGNATURE = 'x-mandrill-signature';

/** The key with which Mandrill signs its check of the URL before a webhook has a key. It is public, so it is accepted only for a post without events. */
const TEST_KEY = 'test-webhook';
const NO_EVENTS = 'mandrill_events[]';

/**
 * Mandrill's request signature (https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests):
 * HMAC-SHA1, keyed with the webhook's key, of the URL as given to Mandrill followed by the form's fields, sorted by name, without separators.
 * No timestamp is signed: a repeated event is recognised by its message, type and time.
 */
export function verifyMandrill(request: SignedRequest, trust: Trust): Verdict {
  const signature = header(request, MANDRILL_SIGNATURE);
  const fields = signature === null ? null : sortedForm(request.body);
  if (fields === null) return INVALID;
  const keys = fields === NO_EVENTS ? [...trust.secrets, TEST_KEY] : trust.secrets;
  return keys.some((key) => isSame(signature!, createHmac('sha1', key).update(request.url + fields).digest('base64'))) ? UNDATED : INVALID;
}

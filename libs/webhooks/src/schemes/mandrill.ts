import { createHmac } from 'node:crypto';
import { header, INVALID, isSame, type SignedRequest, type Trust, UNDATED, type Verdict } from './scheme.js';
import { sortedForm } from './sorted-form.js';

export const MANDRILL_SIGNATURE = 'x-mandrill-signature';

/** What Mandrill signs with, before a webhook has a key, to see whether anybody is at the URL. Everybody knows it, so it is good for nothing but a post without events. */
const TEST_KEY = 'test-webhook';
const NO_EVENTS = 'mandrill_events[]';

/**
 * Mandrill's request signature (https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests):
 * HMAC-SHA1, under the webhook's key, of the URL as it was given to Mandrill and then the form's fields, sorted by name, name and value with
 * nothing between. Nothing says when: an event that comes again is known by its message and time.
 */
export function verifyMandrill(request: SignedRequest, trust: Trust): Verdict {
  const signature = header(request, MANDRILL_SIGNATURE);
  const fields = signature === null ? null : sortedForm(request.body);
  if (fields === null) return INVALID;
  const keys = fields === NO_EVENTS ? [...trust.secrets, TEST_KEY] : trust.secrets;
  return keys.some((key) => isSame(signature!, createHmac('sha1', key).update(request.url + fields).digest('base64'))) ? UNDATED : INVALID;
}

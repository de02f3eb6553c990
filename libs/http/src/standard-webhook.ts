import { createHmac, randomBytes } from 'node:crypto';

/** A new secret in the standard's format: `whsec_` and 32 random bytes in base64. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/**
 * The headers of a message signed by Standard Webhooks (https://www.standardwebhooks.com), with every secret given: there are several while one
 * replaces another. The timestamp is the real time, since the receiver compares it with its own clock.
 *
 * @param id the same however often the message is sent
 */
export function webhookHeaders(secrets: readonly string[], id: string, body: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const sign = (secret: string): string =>
    `v1,${createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  return { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': secrets.map(sign).join(' ') };
}

import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Outbound } from '#http';
import type { MessageFault, PushMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { call, plain } from './provider-call.js';
import { encryptPush, MOST_BYTES, type PushKeys } from './push-encryption.js';

/** A push service takes one message per call; this many calls run at once. */
const CALLS = 50;
/** How long a push service keeps a message for a browser that is off, in seconds. */
const TTL = 86_400;
/** How long our tokens are valid, in milliseconds; push services accept a day at most (RFC 8292 §2). */
const TOKEN_MS = 12 * 3_600_000;
/** Most push services that tokens are kept for; in practice there are a handful. */
const SERVICES = 100;

/** The key pair that browsers subscribed with, in base64url, and the contact for push services. */
export interface Vapid {
  publicKey: string;
  privateKey: string;
  /** `mailto:` or `https:`. */
  subject: string;
}

/** Push messages to browsers (RFC 8030), encrypted for each (RFC 8291) and signed with the key they subscribed with (RFC 8292). Every subscription names its own service. */
export class WebPushChannel implements Channel<PushMessage> {
  readonly channel = 'push';
  readonly provider = 'webpush';
  readonly batch = CALLS;
  private readonly key: KeyObject;
  private readonly tokens = new Map<string, { token: string; until: number }>();

  constructor(
    private readonly vapid: Vapid,
    private readonly outbound: Outbound,
    readonly perSecond: number | null = null,
  ) {
    this.key = vapidKey(vapid);
  }

  refusal(message: PushMessage): MessageFault | null {
    if (message.subscription.endpoint !== message.to) return 'no_provider_for_subscription';
    return Buffer.byteLength(payloadOf(message)) > MOST_BYTES ? 'message_too_long' : null;
  }

  send(batch: readonly PushMessage[]): Promise<Outcome[]> {
    return Promise.all(batch.map((message) => this.sendOne(message)));
  }

  close(): void {
    // nothing is kept open
  }

  private async sendOne(message: PushMessage): Promise<Outcome> {
    const reason = this.refusal(message);
    if (reason !== null) return { status: 'rejected', reason };
    const { deliveryId, to, subscription } = message;
    let encrypted: Buffer;
    try {
      encrypted = encryptPush(payloadOf(message), subscription.keys as unknown as PushKeys);
    } catch {
      return { status: 'rejected', reason: 'subscription_invalid', closes: 'hard_bounce' };
    }
    const headers = {
      authorization: `vapid t=${this.token(new URL(to).origin)}, k=${this.vapid.publicKey}`,
      'content-type': 'application/octet-stream',
      'content-encoding': 'aes128gcm',
      ttl: String(TTL),
      topic: deliveryId, // sent again, it replaces the one that still waits
    };
    const answer = await call('webpush', to, { method: 'POST', headers, body: encrypted }, (endpoint, init) => this.outbound.fetch(endpoint, init));
    if (answer.ok) return { status: 'accepted', providerMessageId: plain(answer.headers.get('location')) };
    const { outcome } = answer;
    if (answer.status === 404 || answer.status === 410) return { status: 'rejected', reason: outcome.reason, closes: 'hard_bounce' };
    // The service is this subscription's own: its refusals, delays and failures say nothing about those of others.
    if (outcome.status === 'barred') return { status: 'rejected', reason: outcome.reason };
    return outcome.status === 'retry' ? { status: 'retry', reason: outcome.reason, reached: true } : outcome;
  }

  /** The token that identifies us to one push service. */
  private token(audience: string): string {
    const known = this.tokens.get(audience);
    const now = Date.now(); // the service checks it against its own clock
    if (known !== undefined && known.until > now) return known.token;
    if (this.tokens.size >= SERVICES) this.tokens.clear();
    const token = jwt.sign({ aud: audience, exp: Math.floor((now + TOKEN_MS) / 1000), sub: this.vapid.subject }, this.key, { algorithm: 'ES256', noTimestamp: true });
    this.tokens.set(audience, { token, until: now + TOKEN_MS / 2 });
    return token;
  }
}

const payloadOf = ({ deliveryId, title, body, url }: PushMessage): string => JSON.stringify({ title, body, url, delivery_id: deliveryId });

/**
 * The private key, with the public key's point.
 *
 * @throws Error when the two are not a pair of P-256 keys
 */
export function vapidKey({ publicKey, privateKey }: Pick<Vapid, 'publicKey' | 'privateKey'>): KeyObject {
  const point = Buffer.from(publicKey, 'base64url');
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(privateKey, 'base64url'));
  if (!pair.getPublicKey().equals(point)) throw new Error('The VAPID keys are no pair'); // createPrivateKey does not check
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d: privateKey, x: x!, y: y! } });
}

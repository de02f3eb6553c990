import { createHash } from 'node:crypto';
import { type Outbound, webhookHeaders } from '#http';
import type { Channel as ChannelName } from '#tenants';
import type { Message } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { call, plain } from './provider-call.js';

/** One message per call; this many calls run at once. */
const CALLS = 20;

/** Statuses that mean that nobody takes messages there, not that something is wrong with this one. */
const NOBODY_THERE = new Set([301, 302, 303, 307, 308, 404, 405, 410]);

export interface HttpTarget {
  url: string;
  /** `whsec_` and the key in base64. */
  secret: string;
}

/**
 * Any channel over a receiver of the tenant's own: each message is posted, signed by Standard Webhooks
 * (https://www.standardwebhooks.com), with the delivery's id as its `webhook-id` and `Idempotency-Key`. The receiver ignores
 * ids it has seen, so what may have arrived is simply sent again. The URL identifies the receiver: a new secret does not make it forget.
 */
export class HttpChannel implements Channel {
  readonly provider: string;
  readonly batch = CALLS;
  readonly receiver: string;

  constructor(
    readonly channel: ChannelName,
    private readonly target: HttpTarget,
    private readonly outbound: Outbound,
    readonly perSecond: number | null = null,
  ) {
    this.provider = `http_${channel}`;
    this.receiver = createHash('sha256').update(target.url).digest('base64url');
  }

  send(batch: readonly Message[]): Promise<Outcome[]> {
    return Promise.all(batch.map((message) => this.sendOne(message)));
  }

  close(): void {
    // nothing is kept open
  }

  private async sendOne(message: Message): Promise<Outcome> {
    const body = JSON.stringify({ type: `message.${this.channel}`, timestamp: new Date().toISOString(), data: contentOf(message) });
    const headers = { 'idempotency-key': message.deliveryId, ...webhookHeaders([this.target.secret], message.deliveryId, body) };
    const answer = await call('http', this.target.url, { method: 'POST', headers, body }, (url, init) => this.outbound.fetch(url, init));
    if (answer.ok) return { status: 'accepted', providerMessageId: idIn(answer.body) };
    if (answer.status !== null && NOBODY_THERE.has(answer.status)) return { status: 'barred', reason: `http_${answer.status}` };
    const { outcome } = answer;
    return outcome.status === 'unknown' ? { status: 'retry', reason: outcome.reason, reached: true, pauseMs: 0, uncertain: true } : outcome;
  }
}

function contentOf(message: Message): object {
  const { deliveryId: delivery_id, to } = message;
  if ('html' in message) {
    const { from, subject, html, text, unsubscribeUrl } = message;
    const sender = { email: from.email, name: from.name, reply_to: from.replyTo };
    return { delivery_id, to, from: sender, subject, html: html.template.fill(html.values), text, unsubscribe_url: unsubscribeUrl };
  }
  if ('subscription' in message) return { delivery_id, subscription: message.subscription, title: message.title, body: message.body, url: message.url };
  return { delivery_id, to, from: message.from, text: message.text };
}

/** The receiver's own id of the message, if its answer has one. */
function idIn(body: string): string | null {
  try {
    return plain((JSON.parse(body) as { id?: unknown } | null)?.id);
  } catch {
    return null;
  }
}

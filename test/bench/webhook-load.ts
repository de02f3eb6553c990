import { createHmac } from 'node:crypto';
import type autocannon from 'autocannon';
import { encodeDeliveryId } from '#delivery';
import { SECRET } from './webhook-baseline.js';

const EVENT_BYTES = 1024;

/** Events of a campaign's recipients in turn, each with an id of its own, in signed posts of one. */
export class WebhookLoad {
  private next = 0;
  private readonly signed: { body: string; headers: Record<string, string> }[] = [];

  /** @param campaign whose recipients are the customers 1 to `recipients` */
  constructor(
    private readonly campaign: { tenantId: number; campaignNo: number },
    private readonly recipients: number,
  ) {}

  /** Signs beforehand, so that a round measures the server rather than the client. */
  prepare(count: number): void {
    while (this.signed.length < count) this.signed.push(this.sign());
  }

  readonly requests: autocannon.Request[] = [{ setupRequest: (request) => Object.assign(request, this.signed.pop() ?? this.sign()) }];

  private sign(): { body: string; headers: Record<string, string> } {
    const event_id = `evt_${this.next}`;
    const delivery_id = encodeDeliveryId({ ...this.campaign, customerNo: 1 + (this.next++ % this.recipients), channel: 'email' });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const event = { event_type: 'email.opened', event_id, delivery_id, timestamp, useragent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X)', ip: '203.0.113.7', category: ['summer', 'menu'], note: '' };
    event.note = 'n'.repeat(EVENT_BYTES - JSON.stringify(event).length);
    const body = JSON.stringify(event);
    const mac = createHmac('sha256', SECRET).update(`${timestamp}.`).update(body).digest('hex');
    return { body, headers: { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': `sha256=${mac}` } };
  }
}

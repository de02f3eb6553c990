import type { MessageFault, PushMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';

/** Push messages to browsers over one provider and to apps over the other, according to each customer's subscription. */
export class PushChannel implements Channel<PushMessage> {
  readonly channel = 'push';
  readonly provider = 'webpush_fcm';
  readonly batch: number;
  /** The rate of the slower provider, for estimates of how long sending takes: whose messages they are is not known beforehand. */
  readonly perSecond: number | null;
  readonly ways: readonly Channel<PushMessage>[];

  constructor(
    private readonly browsers: Channel<PushMessage>,
    private readonly apps: Channel<PushMessage>,
  ) {
    this.ways = [browsers, apps];
    this.batch = Math.min(browsers.batch, apps.batch);
    const rates = [browsers.perSecond, apps.perSecond].filter((rate) => rate !== null);
    this.perSecond = rates.length === 0 ? null : Math.min(...rates);
  }

  wayOf({ subscription }: PushMessage): Channel<PushMessage> {
    return typeof subscription.fcm_token === 'string' ? this.apps : this.browsers;
  }

  refusal(message: PushMessage): MessageFault | null {
    return this.wayOf(message).refusal?.(message) ?? null;
  }

  async send(batch: readonly PushMessage[]): Promise<Outcome[]> {
    const outcomes = new Map<PushMessage, Outcome>();
    await Promise.all(this.ways.map(async (one) => {
      const messages = batch.filter((message) => this.wayOf(message) === one);
      const heard = messages.length === 0 ? [] : await one.send(messages);
      messages.forEach((message, at) => outcomes.set(message, heard[at]!));
    }));
    return batch.map((message) => outcomes.get(message)!);
  }

  /** Each of the two is closed by whoever opened it. */
  close(): void {
    // nothing of its own
  }
}

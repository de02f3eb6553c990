import type { Channel as ChannelName } from '#tenants';
import type { Message } from '../message.js';

/**
 * What became of one message. `retry` is said only when the provider certainly did not take it, `reached` when it was the
 * provider who put it off, `notBefore` when it said until when; in doubt it is `unknown`. `barred`: the provider refuses us, whatever the message.
 */
export type Outcome =
  | { status: 'accepted'; providerMessageId: string | null }
  | { status: 'rejected'; reason: string }
  | { status: 'unknown'; reason: string }
  | { status: 'retry'; reason: string; reached: boolean; notBefore?: Date }
  | { status: 'barred'; reason: string };

/** A way to a provider. It never throws for a message: every message has its outcome, at the same index. */
export interface Channel<Sent extends Message = Message> {
  readonly channel: ChannelName;
  /** The provider's name, as the ledger keeps it. */
  readonly provider: string;
  /** Messages that may be under way at once, and of which nobody would know after a crash. */
  readonly batch: number;
  send(batch: readonly Sent[]): Promise<Outcome[]>;
  /** Gives up its connections. */
  close(): void;
}

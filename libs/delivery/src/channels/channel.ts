import type { Channel as ChannelName } from '#tenants';
import type { EmailMessage } from '../email.js';

/**
 * What became of one message. `retry` is said only when the provider certainly did not take it, `reached` when it was the
 * provider who put it off; in doubt it is `unknown`.
 */
export type Outcome =
  | { status: 'accepted'; providerMessageId: string | null }
  | { status: 'rejected'; reason: string }
  | { status: 'unknown'; reason: string }
  | { status: 'retry'; reason: string; reached: boolean };

/** A way to a provider. It never throws for a message: every message has its outcome, at the same index. */
export interface Channel {
  readonly channel: ChannelName;
  /** The provider's name, as the ledger keeps it. */
  readonly provider: string;
  send(batch: readonly EmailMessage[]): Promise<Outcome[]>;
  /** Gives up its connections. */
  close(): void;
}

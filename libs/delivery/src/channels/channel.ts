import type { SuppressionReason } from '#customers';
import type { Channel as ChannelName } from '#tenants';
import type { Message, MessageFault } from '../message.js';

/**
 * What became of one message. `retry` is said only when the provider certainly did not take it, `reached` when it was the
 * provider who put it off, `pauseMs` when it put off whatever comes from us, and for how long; in doubt it is `unknown`. `uncertain` when the {@link Channel.receiver} may
 * have taken the message. `closes`: nothing may go to
 * the address again, and why. `barred`: the provider refuses us, whatever the message.
 * `uncalled`: its turn did not come.
 */
export type Outcome =
  | { status: 'accepted'; providerMessageId: string | null }
  | { status: 'rejected'; reason: string; closes?: SuppressionReason }
  | { status: 'unknown'; reason: string }
  | { status: 'retry'; reason: string; reached: boolean; pauseMs?: number; uncertain?: boolean }
  | { status: 'barred'; reason: string }
  | { status: 'uncalled' };

/** How long a batch goes on to another call, in milliseconds: who pauses a campaign waits no longer than that. */
export const CALLING_MS = 700;

/** A way to a provider. It never throws for a message: every message has its outcome, at the same index. */
export interface Channel<Sent extends Message = Message> {
  readonly channel: ChannelName;
  /** The provider's name, as the ledger keeps it. */
  readonly provider: string;
  /** Messages that may be under way at once, and of which nobody would know after a crash. */
  readonly batch: number;
  /** How many calls may share a batch; one unless said. */
  readonly hands?: number;
  /** Messages that may leave within any one second; null for as many as there are. */
  readonly perSecond: number | null;
  /** Who takes an id once, however often it comes; left out where nobody does. What may have arrived may be sent to them again, and to no other. */
  readonly receiver?: string;
  /** The providers that it goes over, where there are several; each has its own pace and its own health. */
  readonly ways?: readonly Channel<Sent>[];
  /** Which of them the message goes over. */
  wayOf?(message: Sent): Channel<Sent>;
  /** Why the message is refused without a call; null when that is for the provider to say, as it is where this is left out. */
  refusal?(message: Sent): MessageFault | null;
  send(batch: readonly Sent[]): Promise<Outcome[]>;
  /** Gives up its connections. */
  close(): void;
}

/** The providers of the channel, always in the same order. */
export const waysOf = (channel: Channel): readonly Channel[] => channel.ways ?? [channel];

/** Whether the channel sends the message over the provider. */
export const goesOver = (channel: Channel, message: Message, way: Channel): boolean => (channel.wayOf?.(message) ?? channel) === way;

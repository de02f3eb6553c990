import type { SuppressionReason } from '#customers';
import type { Channel as ChannelName } from '#tenants';
import type { Message, MessageFault } from '../message.js';

/**
 * What became of one message.
 * - `retry`: the provider certainly did not take it. `reached`: it was the provider that said "later"; `pauseMs`: for how long it wants nothing from us at all.
 *   `uncertain`: the {@link Channel.receiver} may have taken it after all.
 * - `rejected`: the provider refused it. `closes`: nothing may go to the address again, and why.
 * - `unknown`: in any doubt.
 * - `barred`: the provider refuses us, whatever the message.
 * - `uncalled`: its turn did not come.
 */
export type Outcome =
  | { status: 'accepted'; providerMessageId: string | null }
  | { status: 'rejected'; reason: string; closes?: SuppressionReason }
  | { status: 'unknown'; reason: string }
  | { status: 'retry'; reason: string; reached: boolean; pauseMs?: number; uncertain?: boolean }
  | { status: 'barred'; reason: string }
  | { status: 'uncalled' };

/** How long a batch keeps starting calls, in milliseconds: pausing a campaign takes no longer than that. */
export const CALLING_MS = 700;

/** A way to a provider. It never throws for a message: every message has its outcome, at the same index. */
export interface Channel<Sent extends Message = Message> {
  readonly channel: ChannelName;
  /** The provider's name, as the ledger keeps it. */
  readonly provider: string;
  /** Most messages with the provider at once, whose outcome would be unknown after a crash. */
  readonly batch: number;
  /** How many calls may share a batch; 1 by default. */
  readonly hands?: number;
  /** Most messages to send within any one second; null for no limit. */
  readonly perSecond: number | null;
  /** A receiver that ignores ids it has seen, if there is one: a message that may have arrived can be sent to it again, and to no other. */
  readonly receiver?: string;
  /** The providers of the channel, if there are several; each has its own pace and its own health. */
  readonly ways?: readonly Channel<Sent>[];
  /** Which of them the message goes over. */
  wayOf?(message: Sent): Channel<Sent>;
  /** Why the message is refused without a call; null, or no such method, leaves that to the provider. */
  refusal?(message: Sent): MessageFault | null;
  send(batch: readonly Sent[]): Promise<Outcome[]>;
  /** Gives up its connections. */
  close(): void;
}

/** The providers of the channel, always in the same order. */
export const waysOf = (channel: Channel): readonly Channel[] => channel.ways ?? [channel];

/** Whether the channel sends the message over the provider. */
export const goesOver = (channel: Channel, message: Message, way: Channel): boolean => (channel.wayOf?.(message) ?? channel) === way;

import { eventType } from '#jobs';
import type { Channel, ConsentStatus } from './profile.js';

export interface OptOut {
  customer_no: number;
  channel: Channel;
  /** RFC 3339. */
  at: string;
}

/** Customers left channels that they had not left before. */
export const CUSTOMERS_OPTED_OUT = eventType<{ opt_outs: OptOut[] }>('customers.opted_out');

/** What became of a customer's consent on a channel. */
interface Changed {
  customerNo: number;
  channel: Channel;
  was: ConsentStatus;
  consent: { status: ConsentStatus };
}

/** Those of the changes, made one after the other, by which somebody came to be out who was not out before them. */
export function optOutsIn<Change extends Changed>(changes: readonly Change[]): Change[] {
  const byChannel = Map.groupBy(changes, ({ customerNo, channel }) => `${customerNo}/${channel}`);
  return [...byChannel.values()].flatMap((each) => {
    const last = each.at(-1)!;
    return each[0]!.was !== 'unsubscribed' && last.consent.status === 'unsubscribed' ? [last] : [];
  });
}

import type { DeliveryKey } from './delivery-id.js';
import type { Receipt } from './receipt.js';

/** What receipts prove of one message: for each fact, the earliest instant at which it is known to be true. */
export interface Evidence {
  key: DeliveryKey;
  delivered_at?: Date;
  opened_at?: Date;
  machine_opened_at?: Date;
  clicked_at?: Date;
  bounced_at?: Date;
  failed_at?: Date;
  complained_at?: Date;
  unsubscribed_at?: Date;
  reason?: string;
}

type Fact = Exclude<keyof Evidence, 'key' | 'reason'>;

/** A hit on a link or pixel, as it came. */
export interface Hit {
  campaign_no: number;
  customer_no: number;
  channel: string;
  kind: 'open' | 'click';
  link_no: number;
  at: Date;
  machine: boolean;
}

/** What each type proves: a click proves an open, and an open that the message arrived. A machine's hit proves only that it arrived. */
function facts({ type, machine }: Receipt): Fact[] {
  switch (type) {
    case 'delivered': return ['delivered_at'];
    case 'opened': return machine ? ['machine_opened_at', 'delivered_at'] : ['opened_at', 'delivered_at'];
    case 'clicked': return machine ? ['machine_opened_at', 'delivered_at'] : ['clicked_at', 'opened_at', 'delivered_at'];
    case 'bounced': return ['bounced_at'];
    case 'failed': return ['failed_at'];
    case 'complained': return ['complained_at', 'delivered_at'];
    case 'unsubscribed': return ['unsubscribed_at', 'delivered_at'];
  }
}

/** One entry per message, in the ledger's order, so that two transactions lock rows in the same order. */
export function evidenceOf(matched: readonly { receipt: Receipt; key: DeliveryKey }[]): Evidence[] {
  const byKey = new Map<string, Evidence>();
  for (const { receipt, key } of matched) {
    const name = `${key.campaignNo}/${key.customerNo}/${key.channel}`;
    const evidence = byKey.get(name) ?? { key };
    byKey.set(name, evidence);
    for (const fact of facts(receipt)) {
      const known = evidence[fact];
      if (known === undefined || receipt.at < known) evidence[fact] = receipt.at;
    }
    if (receipt.reason !== undefined && (receipt.type === 'bounced' || receipt.type === 'failed')) evidence.reason = receipt.reason.slice(0, 200);
  }
  return [...byKey.values()].sort((a, b) => a.key.campaignNo - b.key.campaignNo || a.key.customerNo - b.key.customerNo);
}

export const hitsOf = (matched: readonly { receipt: Receipt; key: DeliveryKey }[]): Hit[] =>
  matched.flatMap(({ receipt, key }) =>
    receipt.type === 'opened' || receipt.type === 'clicked'
      ? [{ campaign_no: key.campaignNo, customer_no: key.customerNo, channel: key.channel, kind: receipt.type === 'opened' ? 'open' : 'click', link_no: receipt.linkNo ?? 0, at: receipt.at, machine: receipt.machine ?? false }]
      : [],
  );

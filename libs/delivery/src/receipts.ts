import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressOf, type ClosedAddress, type ConsentSetting, Customers, type SuppressionReason, Suppressions } from '#customers';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { LATE_HITS } from './attribution.js';
import { counted } from './counters.js';
import type { DeliveryKey } from './delivery-id.js';
import { evidenceOf, hitsOf } from './evidence.js';
import { type HitsKept, keepHits } from './hits.js';
import type { Receipt, ReceiptResult, ReceiptType } from './receipt.js';
import { RECORD_EVIDENCE, SENT_TO, WORN_OUT } from './receipt.queries.js';
import { ReceiptMatcher } from './receipt-matcher.js';
import { ReturnedMessages } from './returned-messages.js';

/** Receipts that close an address, and why. */
const CLOSES: Readonly<Partial<Record<ReceiptType, SuppressionReason>>> = { bounced: 'hard_bounce', complained: 'complaint', unsubscribed: 'unsubscribed' };

/** Reasons that express the customer's own will. */
const OPT_OUTS: readonly SuppressionReason[] = ['opt_out', 'unsubscribed', 'complaint'];

/** Our own tracking routes report a hit at once. */
const LATE_MS = 1_000;

/** Changes of people's consent, and addresses to close. */
export interface Consents {
  changes: ConsentSetting[];
  closed: ClosedAddress[];
}

/** Lets the caller add consents once it is known which receipts found a message. All are recorded together, because whoever has locked an address must not wait for a customer. */
export type OtherConsents = (results: readonly ReceiptResult[]) => Promise<Consents>;

/** Why the receipt closes the address; undefined when it does not. */
const reasonOf = (receipt: Receipt): SuppressionReason | undefined => (isSoft(receipt) ? undefined : (receipt.closes ?? CLOSES[receipt.type]));

const isOptOut = (receipt: Receipt): boolean => OPT_OUTS.includes(reasonOf(receipt)!);

/**
 * Writes into the ledger what happened to messages after they were sent. Every receipt adds a fact that was true at its
 * instant, so order and repetition do not matter: nothing ever moves backwards.
 */
@Injectable()
export class Receipts {
  constructor(
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly matcher: ReceiptMatcher,
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
    private readonly returned: ReturnedMessages,
  ) {}

  /** @returns for each receipt, at the same index, whether it found a message that was sent */
  async record(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[], others?: OtherConsents): Promise<ReceiptResult[]> {
    const keys = receipts.length === 0 ? [] : await this.matcher.match(tx, tenant, receipts);
    const matched = receipts.flatMap((receipt, index) => (keys[index] ? [{ receipt, key: keys[index] }] : []));
    if (matched.length > 0) await this.write(tx, tenant, matched);
    const results = keys.map((key): ReceiptResult => (key === null ? 'unmatched' : 'matched'));
    const own = await this.honoured(tx, tenant, receipts, keys);
    const worn = await this.wornOut(tx, tenant, matched.filter(({ receipt }) => isSoft(receipt)));
    const more = await others?.(results);
    await this.customers.setConsent(tx, tenant, [...own.changes, ...(more?.changes ?? [])], [...own.closed, ...worn, ...(more?.closed ?? [])]);
    return results;
  }

  private async write(tx: EntityManager, tenant: Tenant, matched: { receipt: Receipt; key: DeliveryKey }[]): Promise<void> {
    const evidence = evidenceOf(matched);
    const touched = { campaignNos: evidence.map(({ key }) => key.campaignNo), customerNos: evidence.map(({ key }) => key.customerNo) };
    const rows = evidence.map(({ key, ...facts }) => ({ campaign_no: key.campaignNo, customer_no: key.customerNo, channel: key.channel, ...facts }));
    const hits = await counted(tx, tenant, touched, async () => {
      const returns = await this.returned.in(tx, tenant, evidence);
      await tx.query(RECORD_EVIDENCE, [tenant.id, JSON.stringify(rows)]);
      await this.returned.tell(tx, tenant, returns);
      return keepHits(tx, tenant, hitsOf(matched));
    });
    await this.tellLate(tx, tenant, hits);
    await this.customers.markChanged(tx, tenant, [...new Set(touched.customerNos)]);
  }

  /** A hit that is reported late may have led to an order that is known already; one that turns out to be a machine's has led to none. */
  private async tellLate(tx: EntityManager, tenant: Tenant, { added, disowned }: HitsKept): Promise<void> {
    const told = added.filter((hit) => !hit.machine && this.clock.now().getTime() - hit.at.getTime() > LATE_MS);
    const late = [...told, ...disowned].sort((a, b) => a.at.getTime() - b.at.getTime());
    if (late.length === 0) return;
    const customerNos = [...new Set(late.map((hit) => hit.customer_no))];
    await this.jobs.enqueue(tx, tenant, LATE_HITS, { customer_nos: customerNos, from: late[0]!.at.toISOString(), until: late.at(-1)!.at.toISOString() });
  }

  /**
   * Closes addresses that bounced permanently or complained, and opts out customers who asked for it, also if no message of ours
   * is known. The address is the one that the message went to, whatever the customer's address is by now.
   */
  private async honoured(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[], keys: readonly (DeliveryKey | null)[]): Promise<Consents> {
    const closing = receipts.flatMap((receipt, index) => (reasonOf(receipt) !== undefined ? [{ receipt, key: keys[index] ?? null }] : []));
    if (closing.length === 0) return { changes: [], closed: [] };
    const sentTo = await this.sentTo(tx, tenant, closing);
    const profiles = await this.customers.profiles(tx, tenant, closing.flatMap(({ key }) => key?.customerNo ?? []));
    const closed: ClosedAddress[] = [];
    const optOuts: ConsentSetting[] = [];
    for (const [index, { receipt, key }] of closing.entries()) {
      const channel = channelOf(receipt, key);
      const profile = key === null ? undefined : profiles.get(key.customerNo);
      const addresses = receipt.address ?? receipt.addressHash ?? sentTo.get(index) ?? (profile && addressOf(profile, channel));
      const source = isOptOut(receipt) ? (receipt.source ?? `receipt:${receipt.type}`) : undefined;
      for (const address of [addresses ?? []].flat()) closed.push({ channel, address, reason: reasonOf(receipt)!, at: receipt.at, source });
      if (source !== undefined && key !== null) optOuts.push({ customerNo: key.customerNo, channel, status: 'unsubscribed', source, at: receipt.at });
    }
    return { changes: optOuts, closed };
  }

  /** Closes addresses that had nothing but soft bounces several times in a row. */
  private async wornOut(tx: EntityManager, tenant: Tenant, soft: readonly { receipt: Receipt; key: DeliveryKey }[]): Promise<ClosedAddress[]> {
    if (soft.length === 0) return [];
    const sentTo = await this.sentTo(tx, tenant, soft);
    const bounced = soft.flatMap(({ receipt, key }, index) => {
      const hash = receipt.addressHash ?? (receipt.address === undefined ? sentTo.get(index)?.[0] : this.suppressions.hash(key.channel, receipt.address));
      return hash === undefined ? [] : [{ receipt, key, hash }];
    });
    const values = [tenant.id, bounced.map(({ key }) => key.customerNo), bounced.map(({ key }) => key.channel), bounced.map(({ hash }) => hash)];
    const worn = (await tx.query<{ place: number }[]>(WORN_OUT, values)).map(({ place }) => bounced[place - 1]!);
    return worn.map(({ receipt, key, hash }) => ({ channel: key.channel, address: hash, reason: 'soft_bounces', at: receipt.at }));
  }

  /** The addresses of messages whose receipts do not name one. If two merged customers both got a message, an opt-out closes both addresses; a bounce closes neither, as nobody knows which it was. */
  private async sentTo(tx: EntityManager, tenant: Tenant, closing: readonly { receipt: Receipt; key: DeliveryKey | null }[]): Promise<Map<number, Buffer[]>> {
    const asked = closing.flatMap(({ receipt, key }, index) => (key !== null && receipt.address === undefined && receipt.addressHash === undefined ? [{ index, key, receipt }] : []));
    if (asked.length === 0) return new Map();
    const rows = await tx.query<{ place: number; address_hash: Buffer }[]>(SENT_TO, [
      tenant.id, asked.map(({ key }) => key.campaignNo), asked.map(({ key }) => key.customerNo), asked.map(({ key }) => key.channel),
    ]);
    const found = [...Map.groupBy(rows, ({ place }) => asked[place - 1]!)];
    return new Map(found.map(([{ index, receipt }, sent]) => [index, isOptOut(receipt) || sent.length === 1 ? sent.map((row) => row.address_hash) : []]));
  }
}

const channelOf = (receipt: Receipt, key: DeliveryKey | null): Channel => key?.channel ?? receipt.channel ?? 'email';

/** A temporary bounce: a full mailbox, a server that is down. */
const isSoft = ({ type, reason }: Receipt): boolean => type === 'bounced' && reason === 'soft';

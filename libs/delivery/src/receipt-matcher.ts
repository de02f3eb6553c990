import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers, Suppressions } from '#customers';
import type { Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { decodeDeliveryId, type DeliveryKey } from './delivery-id.js';
import type { Receipt } from './receipt.js';
import { BY_ADDRESS, BY_PROVIDER_MESSAGE, SENT_AMONG } from './receipt.queries.js';

type Row = { campaign_no: number; customer_no: number; channel: Channel };

/** Finds the message that a receipt speaks of: by its delivery's id, else the provider's, else campaign and person. A query for each way, none for each receipt. */
@Injectable()
export class ReceiptMatcher {
  constructor(
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
  ) {}

  /** @returns the ledger's key of each receipt, at the same index; null when there is no such message, or it was never sent */
  async match(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[]): Promise<(DeliveryKey | null)[]> {
    const keys = receipts.map((receipt) => byId(tenant, receipt));
    await this.byProviderMessage(tx, tenant, receipts, keys);
    await this.byPerson(tx, tenant, receipts, keys);
    return this.sentOnly(tx, tenant, keys);
  }

  private async byProviderMessage(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[], keys: (DeliveryKey | null)[]): Promise<void> {
    const open = receipts.flatMap((receipt, index) => (keys[index] === null && receipt.providerMessageId !== undefined ? [{ receipt, index }] : []));
    if (open.length === 0) return;
    const hashes = open.map(({ receipt }) => (receipt.address === undefined ? null : this.suppressions.hash(receipt.channel ?? channelOf(receipt), receipt.address)));
    const rows = await tx.query<(Row & { place: number })[]>(BY_PROVIDER_MESSAGE, [tenant.id, open.map(({ receipt }) => receipt.providerMessageId), hashes]);
    for (const row of rows) keys[open[row.place - 1]!.index] = toKey(tenant, row);
  }

  private async byPerson(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[], keys: (DeliveryKey | null)[]): Promise<void> {
    const open = receipts.flatMap((receipt, index) => (keys[index] === null && receipt.campaignId !== undefined ? [{ receipt, index }] : []));
    if (open.length === 0) return;
    const campaigns = await this.campaigns(tx, tenant, open.map(({ receipt }) => receipt.campaignId!));
    const known = await this.customers.find(tx, tenant, open.flatMap(({ receipt }) => receipt.customerId ?? []));
    const byAddress: { index: number; campaignNo: number; channel: Channel; hash: Buffer }[] = [];
    for (const { receipt, index } of open) {
      const campaignNo = campaigns.get(receipt.campaignId!);
      if (campaignNo === undefined) continue;
      const channel = receipt.channel ?? channelOf(receipt);
      const customerNo = receipt.customerId === undefined ? undefined : known.get(receipt.customerId);
      if (customerNo !== undefined) keys[index] = { tenantId: tenant.id, campaignNo, customerNo, channel };
      else if (receipt.address !== undefined) byAddress.push({ index, campaignNo, channel, hash: this.suppressions.hash(channel, receipt.address) });
    }
    if (byAddress.length === 0) return;
    const values = [tenant.id, byAddress.map((one) => one.campaignNo), byAddress.map((one) => one.channel), byAddress.map((one) => one.hash)];
    for (const { place, customer_no } of await tx.query<{ place: number; customer_no: number }[]>(BY_ADDRESS, values)) {
      const { index, campaignNo, channel } = byAddress[place - 1]!;
      keys[index] = { tenantId: tenant.id, campaignNo, customerNo: customer_no, channel };
    }
  }

  private async campaigns(tx: EntityManager, tenant: Tenant, campaignIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.query<{ campaign_id: string; campaign_no: number }[]>(
      'SELECT campaign_id, campaign_no FROM campaign_directory WHERE tenant_id = $1 AND campaign_id = ANY ($2::text[])', [tenant.id, [...new Set(campaignIds)]],
    );
    return new Map(rows.map((row) => [row.campaign_id, row.campaign_no]));
  }

  /** Only what was sent; what was sent to somebody who was merged away since is the survivor's. */
  private async sentOnly(tx: EntityManager, tenant: Tenant, keys: (DeliveryKey | null)[]): Promise<(DeliveryKey | null)[]> {
    const sent = await this.sentAmong(tx, tenant, keys);
    const missing = keys.flatMap((key) => (key !== null && !sent.has(nameOf(key)) ? [key.customerNo] : []));
    const survivors = missing.length === 0 ? new Map<number, number>() : await this.customers.survivors(tx, tenant, missing);
    const found = keys.map((key) => (key === null || sent.has(nameOf(key)) ? key : null));
    if (survivors.size === 0) return found;
    const inherited = keys.map((key, index) => (key !== null && found[index] === null && survivors.has(key.customerNo) ? { ...key, customerNo: survivors.get(key.customerNo)! } : null));
    const theirs = await this.sentAmong(tx, tenant, inherited);
    return found.map((key, index) => key ?? (inherited[index] && theirs.has(nameOf(inherited[index])) ? inherited[index] : null));
  }

  private async sentAmong(tx: EntityManager, tenant: Tenant, keys: readonly (DeliveryKey | null)[]): Promise<Set<string>> {
    const named = keys.filter((key) => key !== null);
    if (named.length === 0) return new Set();
    const rows = await tx.query<Row[]>(SENT_AMONG, [tenant.id, named.map((key) => key.campaignNo), named.map((key) => key.customerNo), named.map((key) => key.channel)]);
    return new Set(rows.map((row) => nameOf(toKey(tenant, row))));
  }
}

/** Our own Message-ID carries the delivery's id, too. */
function byId(tenant: Tenant, { deliveryId, providerMessageId }: Receipt): DeliveryKey | null {
  const key = decodeDeliveryId(deliveryId ?? /^<?(dlv_[0-9a-z]{21})@/.exec(providerMessageId ?? '')?.[1] ?? '');
  return key?.tenantId === tenant.id ? key : null;
}

const channelOf = ({ address }: Receipt): Channel => (address === undefined || address.includes('@') ? 'email' : 'sms');

const toKey = (tenant: Tenant, row: Row): DeliveryKey => ({ tenantId: tenant.id, campaignNo: row.campaign_no, customerNo: row.customer_no, channel: row.channel });

const nameOf = ({ campaignNo, customerNo, channel }: DeliveryKey): string => `${campaignNo}/${customerNo}/${channel}`;

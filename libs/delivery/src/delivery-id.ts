import { base32, fromBase32 } from '#kernel';
import { type Channel, CHANNELS } from '#tenants';

/** Names one row of the ledger, tenant included: an event that names a delivery needs to name nothing else. */
export interface DeliveryKey {
  tenantId: number;
  campaignNo: number;
  customerNo: number;
  channel: Channel;
}

/** Tenant, campaign and customer, four bytes each, big-endian, and the channel's place in the list of channels. */
export const KEY_BYTES = 13;

export function keyBytes({ tenantId, campaignNo, customerNo, channel }: DeliveryKey): Buffer {
  const bytes = Buffer.alloc(KEY_BYTES);
  bytes.writeUInt32BE(tenantId, 0);
  bytes.writeUInt32BE(campaignNo, 4);
  bytes.writeUInt32BE(customerNo, 8);
  bytes.writeUInt8(CHANNELS.indexOf(channel), 12);
  return bytes;
}

/** The inverse of {@link keyBytes}; null when the numbers are none that a key can have. */
export function readKey(bytes: Buffer): DeliveryKey | null {
  const [tenantId, campaignNo, customerNo] = [0, 4, 8].map((at) => bytes.readUInt32BE(at)) as [number, number, number];
  const channel = CHANNELS[bytes.readUInt8(12)];
  if (channel === undefined || [tenantId, campaignNo, customerNo].some((no) => no < 1 || no > 0x7fffffff)) return null;
  return { tenantId, campaignNo, customerNo, channel };
}

/** @example encodeDeliveryId({ tenantId: 1, campaignNo: 7, customerNo: 42, channel: 'email' }) // "dlv_" + 21 characters */
export const encodeDeliveryId = (key: DeliveryKey): string => `dlv_${base32(keyBytes(key))}`;

export function decodeDeliveryId(id: string): DeliveryKey | null {
  if (!id.startsWith('dlv_')) return null;
  const bytes = fromBase32(id.slice(4), KEY_BYTES);
  return bytes === null ? null : readKey(Buffer.from(bytes));
}

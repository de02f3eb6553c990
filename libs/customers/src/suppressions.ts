import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Secrets } from '#config';
import type { Tenant } from '#kernel';
import { normaliseEmail, normalisePhone } from './contact.js';
import { HashPrefixes, PREFIX_BYTES } from './hash-prefixes.js';
import { addressOf, CHANNELS, type Channel, consentOf, type CustomerProfile } from './profile.js';

/** Why an address is not written to; weakest first: of several the strongest stands, with the latest instant of any. */
export const SUPPRESSION_REASONS = ['opt_out', 'unsubscribed', 'manual', 'soft_bounces', 'complaint', 'hard_bounce'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** From this many addresses on, it pays to ask first whether the tenant has any suppressions on their channel. */
const MANY = 100;

/** Suppressions read at once. */
const PAGE = 50_000;

/** The prefixes of the next hashes, in ascending order. $1 tenant, $2 channel, $3 reasons, $4 after these bytes */
const PREFIXES = `
  SELECT coalesce(string_agg(substr(address_hash, 1, ${PREFIX_BYTES}), '' ORDER BY address_hash), '') AS prefixes FROM (
    SELECT address_hash FROM suppressions WHERE tenant_id = $1 AND channel = $2 AND reason = ANY ($3) AND address_hash > $4 ORDER BY address_hash LIMIT ${PAGE}) page`;

/** $1 tenant, $2 channels, $3 hashes, $4 until when */
const NOTE_LIFTS = `
  INSERT INTO suppression_lifts AS known (tenant_id, channel, address_hash, lifted_at)
  SELECT $1, channel, address_hash, max(lifted_at) FROM unnest($2::text[], $3::bytea[], $4::timestamptz[]) AS lifted (channel, address_hash, lifted_at)
   WHERE lifted_at IS NOT NULL GROUP BY channel, address_hash ORDER BY channel, address_hash
  ON CONFLICT (tenant_id, channel, address_hash) DO UPDATE SET lifted_at = greatest(known.lifted_at, excluded.lifted_at)`;

/** Once no webhook event of before can come again: these are kept for 30 days. $1 tenant, $2 now */
export const FORGET_LIFTS = `DELETE FROM suppression_lifts WHERE tenant_id = $1 AND lifted_at < $2::timestamptz - interval '31 days'`;

/** The reasons that the customer's own act may take back. */
const OPT_OUTS: readonly SuppressionReason[] = ['opt_out', 'unsubscribed'];

export interface SuppressionEntry {
  channel: Channel;
  /** The address, or what {@link Suppressions.hash} made of it where only that was kept. */
  address: string | Buffer;
  reason: SuppressionReason;
  at: Date;
}

/** An address to be closed; `source` tells where its holders opted out by that, if they did. */
export interface ClosedAddress extends SuppressionEntry {
  source?: string;
}

/** An address whose opt-outs are taken back; with `until` those up to that instant, also those that are heard of later. */
export interface LiftedAddress {
  channel: Channel;
  address: string;
  until?: Date;
}

export interface Suppression {
  reason: SuppressionReason;
  at: Date;
}

/** Looks up the suppression of an address. */
export type SuppressionOf = (channel: Channel, address: string) => Suppression | null;

/** No address is suppressed. */
export const NOTHING: SuppressionOf = () => null;

interface Row {
  channel: Channel;
  address_hash: Buffer;
  reason: SuppressionReason;
  created_at: Date;
}

const strength = (column: string): string => `array_position('{${SUPPRESSION_REASONS.join(',')}}'::text[], ${column})`;

/** Addresses that must not be written to, as keyed hashes: they outlive the customer's erasure and name nobody. */
@Injectable()
export class Suppressions {
  private readonly key: string;

  constructor(secrets: Secrets) {
    this.key = secrets.key('suppression').toString('base64url');
  }

  /** SHA3-256 of the key, the channel and the normalised address: 32 bytes. */
  hash(channel: Channel, address: string): Buffer {
    return this.bytes(channel, normaliseAddress(channel, address));
  }

  private bytes(channel: Channel, normalised: string): Buffer {
    return Buffer.from(this.digest(channel, normalised), 'latin1');
  }

  /**
   * A character a byte. A key before the message makes SHA-3 a MAC (https://keccak.team/keccak_strengths.html); as one call, and a string, it takes
   * a third of the time of an HMAC, of which a preflight would need a million.
   */
  private digest(channel: Channel, normalised: string): string {
    return hash('sha3-256', `${this.key}${channel}:${normalised}`, 'binary');
  }

  async add(tx: EntityManager, tenant: Tenant, entries: readonly SuppressionEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const rows = this.strongest(entries);
    await tx.query(
      `INSERT INTO suppressions AS known (tenant_id, channel, address_hash, reason, created_at)
       SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::text[], $5::timestamptz[]) AS added (channel, address_hash, reason, created_at)
        ORDER BY channel, address_hash
       ON CONFLICT (tenant_id, channel, address_hash) DO UPDATE SET created_at = greatest(known.created_at, excluded.created_at),
         reason = CASE WHEN ${strength('excluded.reason')} >= ${strength('known.reason')} THEN excluded.reason ELSE known.reason END`,
      [tenant.id, rows.map((row) => row.channel), rows.map((row) => row.address_hash), rows.map((row) => row.reason), rows.map((row) => row.created_at)],
    );
  }

  /** Takes back an opt-out, by the customer's own act. A bounce or a complaint stays. */
  async lift(tx: EntityManager, tenant: Tenant, channel: Channel, address: string): Promise<void> {
    await this.liftAll(tx, tenant, [{ channel, address }]);
  }

  async liftAll(tx: EntityManager, tenant: Tenant, addresses: readonly LiftedAddress[]): Promise<void> {
    if (addresses.length === 0) return;
    const columns = [addresses.map((one) => one.channel), addresses.map((one) => this.hash(one.channel, one.address))];
    const until = addresses.map((one) => one.until ?? null);
    if (until.some((one) => one !== null)) await tx.query(NOTE_LIFTS, [tenant.id, ...columns, until]);
    await tx.query(
      `WITH lifted AS MATERIALIZED (
         SELECT channel, address_hash FROM suppressions JOIN unnest($2::text[], $3::bytea[], $5::timestamptz[]) AS asked (channel, address_hash, until) USING (channel, address_hash)
          WHERE tenant_id = $1 AND reason = ANY ($4) AND (until IS NULL OR created_at <= until) ORDER BY channel, address_hash FOR UPDATE OF suppressions)
       DELETE FROM suppressions USING lifted
        WHERE tenant_id = $1 AND suppressions.channel = lifted.channel AND suppressions.address_hash = lifted.address_hash AND reason = ANY ($4)`,
      [tenant.id, ...columns, OPT_OUTS, until],
    );
  }

  /** Those of the entries that were not taken back since: opt-outs may be heard of late, or again. Of the same instant the opt-out counts. */
  async notLifted<Entry extends SuppressionEntry>(tx: EntityManager, tenant: Tenant, entries: readonly Entry[]): Promise<readonly Entry[]> {
    const optOuts = entries.filter((one) => isOptOut(one.reason));
    if (optOuts.length === 0) return entries;
    const keyOf = (channel: Channel, hash: Buffer): string => channel + hash.toString('hex');
    const hashes = new Map<SuppressionEntry, Buffer>(optOuts.map((one) => [one, typeof one.address === 'string' ? this.hash(one.channel, one.address) : one.address]));
    const rows = await tx.query<{ channel: Channel; address_hash: Buffer; lifted_at: Date }[]>(
      `SELECT channel, address_hash, lifted_at FROM suppression_lifts JOIN unnest($2::text[], $3::bytea[]) AS asked (channel, address_hash) USING (channel, address_hash) WHERE tenant_id = $1`,
      [tenant.id, optOuts.map((one) => one.channel), [...hashes.values()]],
    );
    const lifts = new Map(rows.map((row) => [keyOf(row.channel, row.address_hash), row.lifted_at]));
    return entries.filter((one) => {
      const hash = hashes.get(one);
      const lift = hash && lifts.get(keyOf(one.channel, hash));
      return lift === undefined || one.at >= lift;
    });
  }

  /** The suppressed ones of these addresses, spelled as they were given, with the reason. */
  async suppressed(tx: EntityManager, tenant: Tenant, channel: Channel, addresses: readonly string[]): Promise<Map<string, SuppressionReason>> {
    const found = await this.find(tx, tenant, addresses.map((address) => ({ channel, address: normaliseAddress(channel, address) })));
    return new Map(addresses.flatMap((address) => {
      const row = found(channel, normaliseAddress(channel, address));
      return row === null ? [] : [[address, row.reason]];
    }));
  }

  /**
   * The channel's suppressions for these reasons, to hold very many addresses against, spelled as profiles hold them: eight bytes each, however many.
   *
   * @returns whether nothing may go to an address; null when that is so of none
   */
  async all(tx: Pick<EntityManager, 'query'>, tenant: Tenant, channel: Channel, reasons: readonly SuppressionReason[]): Promise<((address: string) => boolean) | null> {
    const pages: Buffer[] = [];
    for (let after: Buffer = Buffer.alloc(0); ; ) {
      const [{ prefixes }] = await tx.query<[{ prefixes: Buffer }]>(PREFIXES, [tenant.id, channel, reasons, after]);
      pages.push(prefixes);
      if (prefixes.length < PAGE * PREFIX_BYTES) break;
      after = prefixes.subarray(-PREFIX_BYTES); // less than the hash that begins so: that one comes again, and does no harm
    }
    const sorted = Buffer.concat(pages);
    if (sorted.length === 0) return null;
    const known = new HashPrefixes(sorted);
    return (address) => known.has(this.digest(channel, address));
  }

  /** Asks for many addresses at once, spelled as profiles hold them; the answer tells when and why one was suppressed. */
  async find(tx: EntityManager, tenant: Tenant, addresses: readonly { channel: Channel; address: string }[]): Promise<SuppressionOf> {
    if (addresses.length === 0) return NOTHING;
    const kept = addresses.length < MANY ? addresses : await this.onKnownChannels(tx, tenant, addresses);
    if (kept.length === 0) return NOTHING;
    const asked = kept.map(({ channel, address }) => ({ channel, address, hash: this.bytes(channel, address) }));
    const rows = await tx.query<Row[]>(
      `SELECT channel, address_hash, reason, created_at
         FROM suppressions JOIN unnest($2::text[], $3::bytea[]) AS asked (channel, address_hash) USING (channel, address_hash) WHERE tenant_id = $1`,
      [tenant.id, asked.map((one) => one.channel), asked.map((one) => one.hash)],
    );
    if (rows.length === 0) return NOTHING;
    const byHash = new Map(rows.map((row) => [row.channel + row.address_hash.toString('hex'), { reason: row.reason, at: row.created_at }]));
    const byAddress = new Map(asked.map(({ channel, address, hash }) => [`${channel}:${address}`, byHash.get(channel + hash.toString('hex'))]));
    return (channel, address) => byAddress.get(`${channel}:${address}`) ?? null;
  }

  async none(tx: EntityManager, tenant: Tenant): Promise<boolean> {
    const [{ none }] = await tx.query<[{ none: boolean }]>('SELECT NOT EXISTS (SELECT FROM suppressions WHERE tenant_id = $1) AS none', [tenant.id]);
    return none;
  }

  /** Those whose channel the tenant has suppressions on at all: of whoever just moves in none, and hashes are what this costs. */
  private async onKnownChannels<Address extends { channel: Channel }>(tx: EntityManager, tenant: Tenant, addresses: readonly Address[]): Promise<Address[]> {
    const known = await tx.query<{ channel: Channel }[]>(
      'SELECT channel FROM unnest($2::text[]) AS channel WHERE (SELECT true FROM suppressions WHERE tenant_id = $1 AND suppressions.channel = channel.channel LIMIT 1)', // EXISTS would be made a join with them all
      [tenant.id, [...new Set(addresses.map((one) => one.channel))]],
    );
    const channels = new Set(known.map((one) => one.channel));
    return addresses.filter((one) => channels.has(one.channel));
  }

  /** One row per address: INSERT … ON CONFLICT may not touch a row twice. */
  private strongest(entries: readonly SuppressionEntry[]): Row[] {
    const rows = new Map<string, Row>();
    for (const { channel, address, reason, at } of entries) {
      const hash = typeof address === 'string' ? this.hash(channel, address) : address;
      const key = channel + hash.toString('hex');
      const known = rows.get(key);
      const stronger = known === undefined || SUPPRESSION_REASONS.indexOf(known.reason) <= SUPPRESSION_REASONS.indexOf(reason);
      rows.set(key, { channel, address_hash: hash, reason: stronger ? reason : known.reason, created_at: known !== undefined && known.created_at > at ? known.created_at : at });
    }
    return [...rows.values()];
  }
}

/** A complaint or a bounce may name an address we would not have taken; then its text stands for it. */
export function normaliseAddress(channel: Channel, address: string): string {
  if (channel === 'email') return normaliseEmail(address) ?? address.trim().toLowerCase();
  if (channel === 'sms') return normalisePhone(address) ?? address.trim();
  return address;
}

/** Whether the customer gave the reason, and may take it back. */
export const isOptOut = (reason: SuppressionReason): boolean => OPT_OUTS.includes(reason);

/** What the person opted out of, as the addresses' suppressions. */
export const optOutsOf = (profile: CustomerProfile): SuppressionEntry[] =>
  CHANNELS.flatMap((channel) => {
    const address = addressOf(profile, channel);
    const { status, at } = consentOf(profile, channel);
    return status === 'unsubscribed' && address !== null ? [{ channel, address, reason: 'unsubscribed', at: new Date(at ?? 0) }] : [];
  });

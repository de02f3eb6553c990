import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Suppressions } from '#customers';
import type { Tenant } from '#kernel';
import type { Channel } from './channels/channel.js';
import { Channels } from './channels/channels.js';

/** $1 hashes, $2 tenant. Ordered, so that two workers that note the same numbers cannot deadlock. */
const NOTE = 'INSERT INTO number_directory (number_hash, tenant_id) SELECT hash, $2 FROM unnest($1::bytea[]) AS hash ORDER BY hash ON CONFLICT DO NOTHING';

/** $1 hashes */
const TENANTS_OF = 'SELECT number_hash, tenant_id FROM number_directory WHERE number_hash = ANY ($1::bytea[]) ORDER BY tenant_id';

/**
 * Which tenants have written to which phone numbers over the operator's account, as keyed hashes, because a reply to the operator's number names
 * no tenant. Without this directory, the ledger of every tenant would have to be searched in turn.
 */
@Injectable()
export class NumberDirectory {
  constructor(
    private readonly channels: Channels,
    private readonly suppressions: Suppressions,
  ) {}

  /** Call it before the message is sent. Replies to a tenant's own account name the tenant, and need no entry. */
  async note(tx: EntityManager, tenant: Tenant, channel: Channel, numbers: readonly string[]): Promise<void> {
    if (numbers.length === 0 || !this.channels.isOperatorsNumber(channel)) return;
    await tx.query(NOTE, [numbers.map((number) => this.suppressions.hash('sms', number)), tenant.id]);
  }

  /** The ids of the tenants that have written to each number, as it was given. */
  async tenantsOf(tx: EntityManager, numbers: readonly string[]): Promise<Map<string, number[]>> {
    if (numbers.length === 0) return new Map();
    const hashes = new Map(numbers.map((number) => [number, this.suppressions.hash('sms', number)]));
    const rows = await tx.query<{ number_hash: Buffer; tenant_id: number }[]>(TENANTS_OF, [[...hashes.values()]]);
    return new Map([...hashes].map(([number, hash]) => [number, rows.filter((row) => row.number_hash.equals(hash)).map((row) => row.tenant_id)]));
  }
}

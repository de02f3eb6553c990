import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { ErasedNames } from './erased-names.js';
import { addressOf, type CustomerProfile } from './profile.js';
import type { Name } from './row-names.js';

/** $1 tenant, $2 numbers, $3 hashes, $4 now */
const KEEP = `
  INSERT INTO former_names AS known (tenant_id, customer_no, name_hash, left_at)
  SELECT DISTINCT $1::int, customer_no, hash, $4::timestamptz FROM unnest($2::int[], $3::bytea[]) AS left_behind (customer_no, hash) ORDER BY customer_no, hash
  ON CONFLICT (tenant_id, customer_no, name_hash) DO UPDATE SET left_at = excluded.left_at`;

/** $1 tenant, $2 number */
const OF = 'SELECT name_hash FROM former_names WHERE tenant_id = $1 AND customer_no = $2';

/** $1 tenant, $2 who was merged, $3 into whom */
const MERGE = `
  INSERT INTO former_names AS known (tenant_id, customer_no, name_hash, left_at)
  SELECT tenant_id, $3, name_hash, left_at FROM former_names WHERE tenant_id = $1 AND customer_no = $2
  ON CONFLICT (tenant_id, customer_no, name_hash) DO UPDATE SET left_at = greatest(known.left_at, excluded.left_at)`;

/** Once no webhook event is left that may name anybody so: these are kept for 30 days. $1 tenant, $2 now */
export const FORGET_FORMER_NAMES = `DELETE FROM former_names WHERE tenant_id = $1 AND left_at < $2::timestamptz - interval '31 days'`;

/** A profile before and after. */
export interface Renaming {
  before: CustomerProfile;
  now: CustomerProfile;
}

/** The addresses that people had before, as keyed hashes: what was sent about them then is found by these, and they tell nobody an address. */
@Injectable()
export class FormerNames {
  constructor(private readonly erasedNames: ErasedNames) {}

  async keep(tx: EntityManager, tenant: Tenant, at: Date, renamings: readonly Renaming[]): Promise<void> {
    const left = renamings.flatMap(({ before, now }) => addressesOf(before).filter((name) => !addressesOf(now).includes(name)).map((name) => ({ no: now.customer_no, name })));
    if (left.length > 0) await tx.query(KEEP, [tenant.id, left.map(({ no }) => no), left.map(({ name }) => this.erasedNames.hash(name)), at]);
  }

  async of(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<Buffer[]> {
    return (await tx.query<{ name_hash: Buffer }[]>(OF, [tenant.id, customerNo])).map((row) => row.name_hash);
  }

  merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<unknown> {
    return tx.query(MERGE, [tenant.id, from, into]);
  }
}

const addressesOf = (profile: CustomerProfile): Name[] => {
  const [email, phone] = [addressOf(profile, 'email'), addressOf(profile, 'sms')];
  return [...(email === null ? [] : [`email:${email}` as const]), ...(phone === null ? [] : [`phone:${phone}` as const])];
};

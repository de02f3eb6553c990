import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Secrets } from '#config';
import type { Tenant } from '#kernel';
import type { CsvRow } from './import.chunks.js';
import { type Name, namesIn } from './row-names.js';

/** $1 tenant, $2 hashes, $3 number: also by what they were called before. By the clock of the database: uploads begin by it, too. */
const KEEP = `
  INSERT INTO erased_names (tenant_id, name_hash, erased_at)
  SELECT $1, hash, clock_timestamp() FROM (SELECT unnest($2::bytea[]) UNION SELECT name_hash FROM former_names WHERE tenant_id = $1 AND customer_no = $3) AS names (hash)
  ON CONFLICT DO NOTHING`;

/** Taken by erasures. $1 tenant */
const BEGIN = `SELECT pg_advisory_xact_lock_shared(hashtext('customers.erasure'), $1)`;

/** Waits for erasures that have begun. $1 tenant */
const WAIT = `SELECT pg_advisory_xact_lock(hashtext('customers.erasure'), $1)`;

/** When somebody with this name was last erased. $1 tenant, $2 hashes */
const LAST_ERASED = 'SELECT name_hash, max(erased_at) AS at FROM erased_names WHERE tenant_id = $1 AND name_hash = ANY ($2::bytea[]) GROUP BY 1';

/** Once nothing is left that may name who was erased then: webhook events are kept for 30 days, and no file is under way since. $1 tenant */
export const FORGET_ERASED_NAMES = `
  DELETE FROM erased_names WHERE tenant_id = $1 AND erased_at < now() - interval '31 days'
     AND NOT EXISTS (SELECT FROM imports WHERE imports.tenant_id = $1 AND finished_at IS NULL AND begun_at <= erased_names.erased_at)`;

/**
 * Who was erased, as keyed hashes of what files and providers call them. An erasure takes a person's rows out of the files that wait; a file that is
 * still on its way to us nobody sees, so each of its rows is held against these. An upload ends behind the erasures that began before it, so none is
 * missed. What a provider tells late, or is asked for, is held against them too.
 */
@Injectable()
export class ErasedNames {
  private readonly key: string;

  constructor(secrets: Secrets) {
    this.key = secrets.key('erased-names').toString('base64url');
  }

  /** Before anything else of an erasure. */
  begin(tx: EntityManager, tenant: Tenant): Promise<unknown> {
    return tx.query(BEGIN, [tenant.id]);
  }

  keep(tx: EntityManager, tenant: Tenant, customerNo: number, names: readonly Name[]): Promise<unknown> {
    return tx.query(KEEP, [tenant.id, names.map((name) => this.hash(name)), customerNo]);
  }

  /** When somebody with each name was last erased; nothing for names that never were. */
  async erasedAt(tx: EntityManager, tenant: Tenant, names: readonly Name[]): Promise<Map<Name, Date>> {
    if (names.length === 0) return new Map();
    const hashes = new Map([...new Set(names)].map((name) => [name, this.hash(name)]));
    const rows = await tx.query<{ name_hash: Buffer; at: Date }[]>(LAST_ERASED, [tenant.id, [...hashes.values()]]);
    const known = new Map(rows.map((row) => [row.name_hash.toString('base64'), row.at]));
    return new Map([...hashes].flatMap(([name, bytes]) => {
      const at = known.get(bytes.toString('base64'));
      return at === undefined ? [] : [[name, at]];
    }));
  }

  /** What an upload waits for at its end, before anybody works on its rows. */
  wait(tx: EntityManager, tenant: Tenant): Promise<unknown> {
    return tx.query(WAIT, [tenant.id]);
  }

  /** The rows, those about an erased person empty: an erasure leaves the same of rows that wait. */
  without(erased: readonly Buffer[], rows: readonly CsvRow[], columns: readonly string[]): CsvRow[] {
    const known = new Set(erased.map((bytes) => bytes.toString('base64')));
    const names = namesIn(columns);
    return rows.map((row): CsvRow => {
      const [first] = names(row); // an id says who it is, whatever else stands there
      return first !== undefined && known.has(this.hash(first).toString('base64')) ? [row[0], []] : row;
    });
  }

  /** 32 bytes; see Suppressions. */
  hash(name: Name): Buffer {
    return hash('sha3-256', this.key + name, 'buffer');
  }
}

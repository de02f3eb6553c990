import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { ImportEntity } from './import.entity.js';
import { IDS_OF_EMAILS, KEEP_SEEN, SEEN_OF_EMAILS } from './import.queries.js';
import type { ReadRow } from './import-row.js';
import { Imports } from './imports.js';
import { type ProfileRow, ProfileWriter } from './profile-writer.js';

/** What is wrong with a row that is about nobody in particular. */
const NOBODYS = {
  none: { code: 'customer_not_found', detail: 'No customer has this email, and the row names no customer_id.' },
  several: { code: 'ambiguous_email', detail: 'Several customers have this email: name the one by customer_id, or merge them.' },
} as const;

/** A row that is not taken since it does not say who it is about. */
export type Nobody = { line: number } & (typeof NOBODYS)[keyof typeof NOBODYS];

/** Whose the emails are: of nobody, undefined; of several, null. */
type Holders = ReadonlyMap<string, string | null>;

/** Writes rows of a file in their order, or tells what would come of them. A row without an id is about whoever has its email by then, be it by a row before. */
@Injectable()
export class ImportWriter {
  constructor(
    private readonly imports: Imports,
    private readonly writer: ProfileWriter,
  ) {}

  async write(tx: EntityManager, tenant: Tenant, entity: ImportEntity, rows: readonly ReadRow[]): Promise<{ created: number; updated: number; nobodys: Nobody[] }> {
    let created = 0;
    const nobodys: Nobody[] = [];
    for (let rest = rows; rest.length > 0; ) {
      const holders = await this.holders(tx, tenant, entity, rest);
      const now = rest.slice(0, settled(rest, holders, entity.dryRun));
      const known = now.flatMap((row): (ProfileRow & { named: boolean })[] => {
        const customerId = row.customerId ?? holders.get(row.patch.email!);
        if (typeof customerId === 'string') return [{ customerId, patch: row.patch, named: row.customerId !== null }];
        nobodys.push({ line: row.line, ...(customerId === null ? NOBODYS.several : NOBODYS.none) });
        return [];
      });
      if (known.length > 0) created += entity.dryRun ? await this.see(tx, tenant, entity, known.filter(({ named }) => named)) : await this.apply(tx, tenant, entity, known);
      rest = rest.slice(now.length);
    }
    return { created, updated: rows.length - created - nobodys.length, nobodys };
  }

  private async holders(tx: EntityManager, tenant: Tenant, { dryRun, importNo }: ImportEntity, rows: readonly ReadRow[]): Promise<Holders> {
    const emails = [...new Set(rows.flatMap((row) => (row.customerId === null ? [row.patch.email!] : [])))];
    if (emails.length === 0) return new Map();
    const found = await tx.query<{ email: string; customer_id: string | null }[]>(dryRun ? SEEN_OF_EMAILS : IDS_OF_EMAILS, [tenant.id, emails, ...(dryRun ? [importNo] : [])]);
    return new Map(found.map((row) => [row.email, row.customer_id]));
  }

  /** @returns how many were created */
  private async apply(tx: EntityManager, tenant: Tenant, entity: ImportEntity, rows: readonly ProfileRow[]): Promise<number> {
    const written = await this.writer.upsert(tx, tenant, rows, 'import');
    const target = entity.target === null ? undefined : this.imports.targets.get(entity.target);
    await target?.(tx, tenant, entity.targetRef!, [...new Set(written.map((one) => one.customerNo))]);
    return written.filter((one) => one.created).length;
  }

  /** @returns how many would be created */
  private async see(tx: EntityManager, tenant: Tenant, { importNo }: ImportEntity, rows: readonly ProfileRow[]): Promise<number> {
    const emails = new Map<string, string | null>();
    for (const { customerId, patch } of rows) emails.set(customerId, patch.email ?? emails.get(customerId) ?? null);
    const ids = [...emails.keys()];
    const known = await this.writer.numbersOf(tx, tenant, ids);
    const [{ count }] = await tx.query<[{ count: number }]>(KEEP_SEEN, [tenant.id, importNo, ids, [...emails.values()], ids.map((id) => known.has(id))]);
    return count;
  }
}

/**
 * How many of the rows can be written at once: up to the first without an id whose email a row before gives to somebody, or may take from who had it.
 *
 * @param blind whether the holders' ids are not those of the rows
 */
function settled(rows: readonly ReadRow[], holders: Holders, blind: boolean): number {
  const [given, moved] = [new Set<string>(), new Set<string>()];
  const end = rows.findIndex(({ customerId, patch: { email } }) => {
    if (email === undefined || email === null) return false;
    if (customerId === null) {
      const holder = holders.get(email);
      return given.has(email) || (holder === null || (blind && holder !== undefined) ? moved.size > 0 : holder !== undefined && moved.has(holder));
    }
    given.add(email);
    moved.add(customerId);
    return false;
  });
  return end === -1 ? rows.length : end;
}

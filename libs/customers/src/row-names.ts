import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { normaliseEmail, normalisePhone } from './contact.js';
import { ALIASES_OF } from './customers.queries.js';
import type { CsvRow } from './import.chunks.js';
import { textOf } from './import-row.js';
import { addressOf, type CustomerProfile } from './profile.js';

const KINDS = ['id', 'email', 'phone'] as const;

/** What files and providers call somebody, such as `id:guest-7`. Addresses are normalised; a number (`no:`) is of a tenant. */
export type Name = `${(typeof KINDS)[number] | 'no'}:${string}`;

/** The customer of a number, which the ids of messages tell. */
export const numberName = (tenantId: number, customerNo: number): Name => `no:${tenantId}/${customerNo}`;

/** All names of a person: their id and those of whoever was merged into them, their email and their phone. */
export async function namesOf(tx: EntityManager, tenant: Tenant, profile: CustomerProfile): Promise<Name[]> {
  const aliases = await tx.query<{ customer_id: string }[]>(ALIASES_OF, [tenant.id, profile.customer_no]);
  const names: Name[] = [profile.customer_id, ...aliases.map((alias) => alias.customer_id)].map((id): Name => `id:${id}`);
  const [email, phone] = [addressOf(profile, 'email'), addressOf(profile, 'sms')];
  if (email !== null) names.push(`email:${email}`);
  if (phone !== null) names.push(`phone:${phone}`);
  return names;
}

/** Reads the names that rows go by. @param columns which field each cell is */
export function namesIn(columns: readonly string[]): (row: CsvRow) => Name[] {
  const [id, email, phone] = ['customer_id', 'email', 'phone'].map((field) => columns.indexOf(field)) as [number, number, number];
  const at = ([, cells]: CsvRow, place: number): string => textOf(cells[place] ?? '');
  return (row) => {
    const spelled = { id: at(row, id), email: normaliseEmail(at(row, email)), phone: normalisePhone(at(row, phone)) };
    return KINDS.flatMap((kind): Name[] => (spelled[kind] ? [`${kind}:${spelled[kind]}`] : []));
  };
}

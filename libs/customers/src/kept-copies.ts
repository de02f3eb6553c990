import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { ALIASES_OF } from './customers.queries.js';
import type { CsvRow } from './import.csv.js';
import type { PersonalDataSource } from './personal-data.js';
import { addressOf, type CustomerProfile } from './profile.js';

/**
 * The answer stays, or its request would be done again, but names nobody. Only a batch's answer names customers, and the primary
 * key leads to those: a day's batches of one tenant.
 */
const FORGET_IN_ANSWERS = `
  UPDATE idempotency_keys SET body = jsonb_set(body, '{results}', (
           SELECT jsonb_agg(CASE WHEN result ->> 'customer_id' = ANY ($2::text[]) THEN result || '{"customer_id": null}' ELSE result END ORDER BY place)
             FROM jsonb_array_elements(body -> 'results') WITH ORDINALITY AS results (result, place)))
   WHERE tenant_id = $1 AND route LIKE 'POST %/customers/batch%' 
     AND EXISTS (SELECT FROM jsonb_array_elements(body -> 'results') result WHERE result ->> 'customer_id' = ANY ($2::text[]))`;

/** Rows are texts of JSON, which may hold what jsonb cannot; so they are taken apart outside. $1 tenant, $2 texts */
const WAITING_CHUNKS = `
  SELECT import_no, chunk_no, rows, columns FROM import_chunks JOIN imports USING (tenant_id, import_no)
   WHERE tenant_id = $1 AND EXISTS (SELECT FROM unnest($2::text[]) one WHERE position(one IN lower(rows)) > 0)
   ORDER BY import_no, chunk_no FOR UPDATE OF import_chunks`;

interface WaitingChunk {
  import_no: number;
  chunk_no: number;
  rows: string;
  columns: string[];
}

/** What is on its way in or out when a person is erased: rows of files that wait to be worked on, answers kept for an Idempotency-Key. */
export const keptCopies = (profileOf: (tx: EntityManager, tenant: Tenant, customerNo: number) => Promise<CustomerProfile | undefined>): PersonalDataSource => ({
  name: 'kept_copies',
  timeline: async () => [],
  export: async () => [], // copies of what the profile tells
  async erase(tx, tenant, customerNo) {
    const profile = await profileOf(tx, tenant, customerNo);
    if (profile === undefined) return;
    const aliases = await tx.query<{ customer_id: string }[]>(ALIASES_OF, [tenant.id, customerNo]);
    const ids = [profile.customer_id, ...aliases.map((alias) => alias.customer_id)];
    await tx.query(FORGET_IN_ANSWERS, [tenant.id, ids]);
    await forgetRows(tx, tenant, ids, addressOf(profile, 'email'));
  },
  merge: async () => undefined, // they name people by their ids, and an id that was merged leads to the survivor
});

/** Rows about the person become empty ones: rejected when their turn comes, so that the import's numbers still add up. */
async function forgetRows(tx: EntityManager, tenant: Tenant, ids: readonly string[], email: string | null): Promise<void> {
  const texts = [...ids, email].filter((one) => one !== null).map((one) => JSON.stringify(one).slice(1, -1).toLowerCase());
  const chunks = await tx.query<WaitingChunk[]>(WAITING_CHUNKS, [tenant.id, texts]);
  for (const { import_no, chunk_no, rows, columns } of chunks) {
    const cell = (cells: string[], column: string): string => cells[columns.indexOf(column)]?.trim() ?? '';
    const about = (cells: string[]): boolean => {
      const customerId = cell(cells, 'customer_id');
      return customerId === '' ? email !== null && cell(cells, 'email').toLowerCase() === email : ids.includes(customerId);
    };
    const left = (JSON.parse(rows) as CsvRow[]).map(([line, cells]): CsvRow => [line, about(cells) ? [] : cells]);
    await tx.query('UPDATE import_chunks SET rows = $4 WHERE tenant_id = $1 AND import_no = $2 AND chunk_no = $3', [tenant.id, import_no, chunk_no, JSON.stringify(left)]);
  }
}

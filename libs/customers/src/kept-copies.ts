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

/**
 * Rows are texts of JSON, which may hold what jsonb cannot; so they are taken apart outside.
 *
 * @param table `import_chunks` or `import_rejected`. $1 tenant, $2 texts
 */
const chunksWith = (table: string): string => `
  SELECT import_no, chunk_no, rows, columns FROM ${table} JOIN imports USING (tenant_id, import_no)
   WHERE tenant_id = $1 AND EXISTS (SELECT FROM unnest($2::text[]) one WHERE position(one IN lower(rows)) > 0)
   ORDER BY import_no, chunk_no FOR UPDATE OF ${table}`;

interface Chunk {
  import_no: number;
  chunk_no: number;
  rows: string;
  columns: string[];
}

type CellOf = (row: CsvRow, column: string) => string;

/** What is on its way in or out when a person is erased: rows of files that wait to be worked on or to be corrected, answers kept for an Idempotency-Key. */
export const keptCopies = (profileOf: (tx: EntityManager, tenant: Tenant, customerNo: number) => Promise<CustomerProfile | undefined>): PersonalDataSource => ({
  name: 'kept_copies',
  timelines: {},
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

/** Waiting rows about the person become empty ones: rejected when their turn comes, so that the import's numbers still add up. Of rejected ones nothing will be made: whatever names the person goes. */
async function forgetRows(tx: EntityManager, tenant: Tenant, ids: readonly string[], email: string | null): Promise<void> {
  const texts = [...ids, email].filter((one) => one !== null).map((one) => JSON.stringify(one).slice(1, -1).toLowerCase());
  const edit = async (table: 'import_chunks' | 'import_rejected', left: (rows: CsvRow[], cell: CellOf) => CsvRow[]): Promise<void> => {
    for (const { import_no, chunk_no, rows, columns } of await tx.query<Chunk[]>(chunksWith(table), [tenant.id, texts])) {
      const kept = left(JSON.parse(rows) as CsvRow[], ([, cells], column) => cells[columns.indexOf(column)]?.trim() ?? '');
      await tx.query(`UPDATE ${table} SET rows = $4 WHERE tenant_id = $1 AND import_no = $2 AND chunk_no = $3`, [tenant.id, import_no, chunk_no, JSON.stringify(kept)]);
    }
  };
  const named = (row: CsvRow, cell: CellOf): boolean => ids.includes(cell(row, 'customer_id'));
  const written = (row: CsvRow, cell: CellOf): boolean => email !== null && cell(row, 'email').toLowerCase() === email;
  const about = (row: CsvRow, cell: CellOf): boolean => (cell(row, 'customer_id') === '' ? written(row, cell) : named(row, cell));
  await edit('import_chunks', (rows, cell) => rows.map((row): CsvRow => (about(row, cell) ? [row[0], []] : row)));
  await edit('import_rejected', (rows, cell) => rows.filter((row) => !named(row, cell) && !written(row, cell)));
}

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { normaliseEmail } from './contact.js';
import { ALIASES_OF } from './customers.queries.js';
import type { CsvRow } from './import.chunks.js';
import { textOf } from './import-row.js';
import { addressOf, type CustomerProfile } from './profile.js';

/** What rows of files call somebody. */
export interface Named {
  /** Theirs, and of whoever was merged into them. */
  ids: string[];
  email: string | null;
}

export async function namedAs(tx: EntityManager, tenant: Tenant, profile: CustomerProfile): Promise<Named> {
  const aliases = await tx.query<{ customer_id: string }[]>(ALIASES_OF, [tenant.id, profile.customer_no]);
  return { ids: [profile.customer_id, ...aliases.map((alias) => alias.customer_id)], email: addressOf(profile, 'email') };
}

type Table = 'import_chunks' | 'import_rejected';

interface Chunk {
  import_no: number;
  chunk_no: number;
  rows: string;
  columns: string[];
}

/** Rows are texts of JSON, which may hold what jsonb cannot; so they are taken apart outside. $1 tenant, $2 pattern */
const chunksLike = (table: Table): string => `
  SELECT import_no, chunk_no, rows, columns FROM ${table} JOIN imports USING (tenant_id, import_no) WHERE tenant_id = $1 AND rows ~* $2`;

/** As they are once nobody else works on them: one that an import works on is gone by then. $1 tenant, $2 imports, $3 chunks */
const lockChunks = (table: Table): string => `
  SELECT import_no, chunk_no, rows, columns FROM ${table} JOIN imports USING (tenant_id, import_no)
   WHERE tenant_id = $1 AND (import_no, chunk_no) IN (SELECT * FROM unnest($2::int[], $3::int[]))
   ORDER BY import_no, chunk_no FOR UPDATE OF ${table}`;

/** What stands beside a cell’s text in the JSON: quotes, white space, the letter of an escape. Those before it halve the time of the search. */
const BEFORE = `(?:["'bfnrt]|[^!-~])`;
const BEHIND = `(?:["\\\\]|[^!-~])`;

/** Finds the few chunks worth taking apart. Of an address the part before its domain, which has several spellings. */
function patternOf({ ids, email }: Named): string {
  const literal = (text: string): string => JSON.stringify(text).slice(1, -1).replace(/[^\p{L}\p{N}\s]/gu, '\\$&');
  return `${BEFORE}(?:${[...ids.map((id) => literal(id) + BEHIND), ...(email === null ? [] : [literal(email.slice(0, email.lastIndexOf('@') + 1))])].join('|')})`;
}

/** The text of a row's cell in the column. */
type CellOf = (row: CsvRow, column: string) => string;

/** Locks the chunks that hold rows of theirs, and no others: everybody else's rows go on. */
async function edit(tx: EntityManager, tenant: Tenant, table: Table, named: Named, isTheirs: (row: CsvRow, cell: CellOf) => boolean, left: (rows: CsvRow[], theirs: (row: CsvRow) => boolean) => CsvRow[]): Promise<void> {
  const read = ({ rows, columns }: Chunk): { rows: CsvRow[]; theirs: (row: CsvRow) => boolean } => {
    const cell: CellOf = ([, cells], column) => textOf(cells[columns.indexOf(column)] ?? '');
    return { rows: JSON.parse(rows) as CsvRow[], theirs: (row) => isTheirs(row, cell) };
  };
  const found = (await tx.query<Chunk[]>(chunksLike(table), [tenant.id, patternOf(named)])).filter((chunk) => {
    const { rows, theirs } = read(chunk);
    return rows.some(theirs);
  });
  if (found.length === 0) return;
  for (const chunk of await tx.query<Chunk[]>(lockChunks(table), [tenant.id, found.map((one) => one.import_no), found.map((one) => one.chunk_no)])) {
    const { rows, theirs } = read(chunk);
    await tx.query(`UPDATE ${table} SET rows = $4 WHERE tenant_id = $1 AND import_no = $2 AND chunk_no = $3`, [tenant.id, chunk.import_no, chunk.chunk_no, JSON.stringify(left(rows, theirs))]);
  }
}

const hasId = ({ ids }: Named, row: CsvRow, cell: CellOf): boolean => ids.includes(cell(row, 'customer_id'));
const hasEmail = ({ email }: Named, row: CsvRow, cell: CellOf): boolean => email !== null && normaliseEmail(cell(row, 'email')) === email;

/**
 * Waiting rows about the person become empty ones: rejected when their turn comes, so that the import's numbers still add up.
 *
 * Before the customer is locked, as an import takes its chunk before its customers: the other way round each would wait for the other. An import
 * that works on such a row is waited for.
 */
export const forgetWaitingRows = (tx: EntityManager, tenant: Tenant, named: Named): Promise<void> =>
  edit(tx, tenant, 'import_chunks', named,
    (row, cell) => (cell(row, 'customer_id') === '' ? hasEmail(named, row, cell) : hasId(named, row, cell)),
    (rows, theirs) => rows.map((row): CsvRow => (theirs(row) ? [row[0], []] : row)));

/** Of rejected rows nothing will be made: whatever names the person goes. */
export const forgetRejectedRows = (tx: EntityManager, tenant: Tenant, named: Named): Promise<void> =>
  edit(tx, tenant, 'import_rejected', named,
    (row, cell) => hasId(named, row, cell) || hasEmail(named, row, cell),
    (rows, theirs) => rows.filter((row) => !theirs(row)));

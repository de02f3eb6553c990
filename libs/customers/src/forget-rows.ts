import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { CsvRow } from './import.chunks.js';
import { type Name, namesIn } from './row-names.js';

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

/** The digits in which phone numbers are read: ASCII, Arabic-Indic, extended Arabic-Indic and fullwidth. */
const anyDigit = (digit: string): string => `[${[0x30, 0x660, 0x6f0, 0xff10].map((zero) => String.fromCodePoint(zero + Number(digit))).join('')}]`;

/**
 * Finds the few chunks worth taking apart. Of an address the part before its domain, which has several spellings, with its accents composed or not;
 * of a number its last digits, however they are spaced.
 */
function patternOf(names: readonly Name[]): string {
  const literal = (text: string): string => JSON.stringify(text).slice(1, -1).replace(/[^\p{L}\p{N}\s]/gu, '\\$&');
  const parts = names.map((name) => {
    const text = name.slice(name.indexOf(':') + 1);
    if (name.startsWith('id:')) return BEFORE + literal(text) + BEHIND;
    if (!name.startsWith('email:')) return [...text.slice(-6)].map(anyDigit).join('[^0-9]{0,3}');
    const local = text.slice(0, text.lastIndexOf('@') + 1);
    return [...new Set([local, local.normalize('NFD')])].map((spelling) => BEFORE + literal(spelling)).join('|');
  });
  return parts.join('|');
}

/** Locks the chunks that hold rows of theirs, and no others: everybody else's rows go on. */
async function edit(tx: EntityManager, tenant: Tenant, table: Table, names: readonly Name[], isTheirs: (found: readonly Name[], wanted: ReadonlySet<Name>) => boolean, left: (rows: CsvRow[], theirs: (row: CsvRow) => boolean) => CsvRow[]): Promise<void> {
  const wanted = new Set(names);
  const read = ({ rows, columns }: Chunk): { rows: CsvRow[]; theirs: (row: CsvRow) => boolean } => {
    const namesOf = namesIn(columns);
    return { rows: JSON.parse(rows) as CsvRow[], theirs: (row) => isTheirs(namesOf(row), wanted) };
  };
  const found = (await tx.query<Chunk[]>(chunksLike(table), [tenant.id, patternOf(names)])).filter((chunk) => {
    const { rows, theirs } = read(chunk);
    return rows.some(theirs);
  });
  if (found.length === 0) return;
  for (const chunk of await tx.query<Chunk[]>(lockChunks(table), [tenant.id, found.map((one) => one.import_no), found.map((one) => one.chunk_no)])) {
    const { rows, theirs } = read(chunk);
    await tx.query(`UPDATE ${table} SET rows = $4 WHERE tenant_id = $1 AND import_no = $2 AND chunk_no = $3`, [tenant.id, chunk.import_no, chunk.chunk_no, JSON.stringify(left(rows, theirs))]);
  }
}

/**
 * Waiting rows about the person become empty ones: rejected when their turn comes, so that the import's numbers still add up. An id says who a
 * row is about, without one the email; only a row with neither, which will be rejected, is theirs by its phone.
 *
 * Before the customer is locked, as an import takes its chunk before its customers: the other way round each would wait for the other. An import
 * that works on such a row is waited for.
 */
export const forgetWaitingRows = (tx: EntityManager, tenant: Tenant, names: readonly Name[]): Promise<void> =>
  edit(tx, tenant, 'import_chunks', names,
    ([first], wanted) => first !== undefined && wanted.has(first),
    (rows, theirs) => rows.map((row): CsvRow => (theirs(row) ? [row[0], []] : row)));

/** Of rejected rows nothing will be made: whatever names the person goes. */
export const forgetRejectedRows = (tx: EntityManager, tenant: Tenant, names: readonly Name[]): Promise<void> =>
  edit(tx, tenant, 'import_rejected', names,
    (found, wanted) => found.some((name) => wanted.has(name)),
    (rows, theirs) => rows.filter((row) => !theirs(row)));

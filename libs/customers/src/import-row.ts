import { DtoPipe, textFault } from '#http';
import { RequestError } from '#kernel';
import { ImportRowDto } from './dto/upsert-customer.dto.js';
import type { CsvRow } from './import.csv.js';
import type { ProfilePatch } from './profile.js';

/** Why a row was not taken. */
export interface RowError {
  line: number;
  column: string | null;
  code: string;
  detail: string;
}

export interface ReadRow {
  line: number;
  /** Null when only the email says who it is. */
  customerId: string | null;
  patch: ProfilePatch;
}

const pipe = new DtoPipe();

/** A row as a patch of a profile. An empty cell is a field left out. */
export async function readRow(columns: readonly string[], [line, cells]: CsvRow): Promise<ReadRow | RowError[]> {
  if (cells.length === 0) return [{ line, column: null, code: 'customer_erased', detail: 'The customer was erased before the row was reached.' }];
  if (cells.length !== columns.length) return [{ line, column: null, code: 'column_count', detail: `The row has ${cells.length} cells, the header ${columns.length}.` }];
  const unstorable = columns.flatMap((column, index) => {
    const fault = textFault(cells[index]!);
    return fault === null ? [] : [{ line, column, ...fault }];
  });
  if (unstorable.length > 0) return unstorable;
  try {
    const { customer_id, ...patch } = (await pipe.transform(toBody(columns, cells), { type: 'body', metatype: ImportRowDto })) as ImportRowDto;
    if (customer_id === undefined && !patch.email) return [{ line, column: null, code: 'customer_required', detail: 'The row names neither customer_id nor email.' }];
    return { line, customerId: customer_id ?? null, patch: patch as ProfilePatch };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return (error.context.errors ?? []).map((fault) => ({ line, column: fault.pointer?.slice(1).replaceAll('/', '.') ?? null, code: fault.code, detail: fault.detail }));
  }
}

/** The cells as the body that `PUT /customers/{id}` takes, so that one set of rules holds for both. */
function toBody(columns: readonly string[], cells: readonly string[]): object {
  const body: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    const cell = cells[index]!.trim();
    if (cell === '') continue;
    const path = column.split('.');
    const value = path[0] === 'attributes' ? typed(cell) : path[0] === 'tags' ? cell.split('|').map((tag) => tag.trim()).filter(Boolean) : column === 'loyalty_points' ? number(cell) : cell;
    let parent = body;
    for (const step of path.slice(0, -1)) parent = (parent[step] ??= {}) as Record<string, unknown>;
    parent[path.at(-1)!] = value;
  }
  return body;
}

/** Only what reads the same written back is a number: `007` and `1e3` stay texts. */
const number = (cell: string): number | string => (String(Number(cell)) === cell && Number.isFinite(Number(cell)) ? Number(cell) : cell);

const typed = (cell: string): string | number | boolean => (cell === 'true' ? true : cell === 'false' ? false : number(cell));

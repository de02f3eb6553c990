import { stringify } from 'csv-stringify/sync';
import { defused } from '#kernel';
import type { CsvRow } from './import.chunks.js';
import { REASON_COLUMNS } from './import.columns.js';
import type { RowError } from './import-row.js';

/** A row that was not taken, with the columns and codes of its errors. */
export type RejectedRow = [...CsvRow, reasons: [column: string | null, code: string][]];

/** The rejected ones of a chunk. Those of an erased customer are empty, and nothing to keep. */
export function rejectedRows(chunk: readonly CsvRow[], errors: readonly RowError[]): RejectedRow[] {
  const reasons = Map.groupBy(errors, ({ line }) => line);
  return chunk.flatMap(([line, cells]): RejectedRow[] => {
    const why = reasons.get(line);
    return why === undefined || cells.length === 0 ? [] : [[line, cells, why.map(({ column, code }) => [column, code])]];
  });
}

/**
 * Rejected rows as CSV: why, then the cells exactly as they came. They are not defused for spreadsheets as our own reports are,
 * for a phone number begins like a formula, and who corrects the rows sends them back. The reasons stand in front, where a row
 * with a cell too many does not move them.
 */
export const rejectedCsv = (header: readonly string[]) => {
  const kept = (cells: readonly string[]): string[] => cells.filter((_cell, index) => !isReason(header[index]));
  return {
    head: stringify([[...REASON_COLUMNS, ...kept(header)]]),
    rows: (rows: readonly RejectedRow[]): string => stringify(rows.map(([line, cells, reasons]) => [line, defused(reasons.map(([column]) => column ?? '').join('|')), reasons.map(([, code]) => code).join('|'), ...kept(cells)])),
  };
};

/** Of a file that was corrected before: its reasons are of the last time. */
const isReason = (column: string | undefined): boolean => (REASON_COLUMNS as readonly (string | undefined)[]).includes(column?.trim().toLowerCase());

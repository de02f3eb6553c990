import type { CsvRow } from './import.chunks.js';
import type { ImportEntity } from './import.entity.js';
import { type ReadRow, type RowError, RowReader } from './import-row.js';

interface Reading {
  chunk: CsvRow[];
  read: (ReadRow | RowError[])[];
  reader: RowReader;
}

/** Reads a chunk while PostgreSQL writes the one before. */
export class ReadAhead {
  private begun: { rows: string; reading: Promise<Reading> } | null = null;

  begin(entity: ImportEntity, rows: string): void {
    const reading = readingOf(entity, rows);
    reading.catch(() => undefined); // reported when it is taken
    this.begun = { rows, reading };
  }

  /** What was read ahead is only used if the chunk has not changed: an erasure may have removed somebody from it. */
  take(entity: ImportEntity, rows: string): Promise<Reading> {
    return this.begun?.rows === rows ? this.begun.reading : readingOf(entity, rows);
  }
}

async function readingOf({ columns, header }: ImportEntity, rows: string): Promise<Reading> {
  const chunk = JSON.parse(rows) as CsvRow[];
  const reader = new RowReader(columns, header);
  return { chunk, read: await reader.read(chunk), reader };
}

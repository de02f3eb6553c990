import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { type Fault, RequestError, validationFailed } from '#kernel';
import { CHANNELS } from '#tenants';
import { isAttributeName } from './dto/customer.rules.js';
import { delimiterOf, headerScan } from './import.delimiter.js';
import { charsetOf, textOf } from './import.text.js';

/** A row and the line of the file it ends on. */
export type CsvRow = [line: number, cells: string[]];

/** Rows that travel, and are worked on, together. */
const CHUNK_ROWS = 500;

/** Characters of one row. */
const MAX_ROW = 1024 * 1024;

/** Columns beside `attributes.<name>`. */
export const IMPORT_COLUMNS: ReadonlySet<string> = new Set([
  'customer_id', 'email', 'phone', 'first_name', 'last_name', 'locale', 'timezone', 'birthday', 'city', 'loyalty_tier', 'loyalty_points', 'tags',
  ...CHANNELS.flatMap((channel) => [`consents.${channel}.status`, `consents.${channel}.source`, `consents.${channel}.at`]),
]);

/** A file as it arrives, and its declared charset. */
export interface CsvFile {
  bytes: Readable;
  charset: string | null;
}

/** The CSV body of a request. @throws RequestError unsupported_media_type */
export function csvBody({ body, headers }: { body: unknown; headers: { 'content-type'?: string } }): CsvFile {
  if (!(body instanceof Readable)) throw new RequestError('unsupported_media_type', { detail: 'Send the file as the body, with Content-Type: text/csv.' });
  return { bytes: body, charset: charsetOf(headers['content-type']) };
}

/**
 * Reads a CSV file (RFC 4180, with any of four delimiters; the first row names the columns) as it arrives, in constant memory.
 *
 * @returns the columns, and the rows in chunks
 * @throws RequestError validation_failed when it is no such file; rows already handed out are void then
 */
export async function readCsv(file: CsvFile): Promise<{ columns: string[]; chunks: AsyncGenerator<CsvRow[]> }> {
  const rows = records(file);
  const header = await rows.next();
  if (header.done) throw validationFailed([{ pointer: '', code: 'empty', detail: 'The file is empty: its first row names the columns.' }]);
  try {
    return { columns: checkColumns(header.value[1].map((name) => name.trim())), chunks: inChunks(rows) };
  } catch (error) {
    await rows.return(undefined);
    throw error;
  }
}

async function* inChunks(rows: AsyncGenerator<CsvRow>): AsyncGenerator<CsvRow[]> {
  let chunk: CsvRow[] = [];
  for await (const row of rows) {
    if (chunk.push(row) < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

async function* records({ bytes, charset }: CsvFile): AsyncGenerator<CsvRow> {
  const text = textOf(charset);
  const fail = (error: Error): unknown => text.destroy(error);
  bytes.on('error', fail).on('close', () => void (bytes.readableEnded || fail(new Error('The body ended early.'))));
  bytes.pipe(text);
  const pieces = text[Symbol.asyncIterator]() as AsyncIterator<string>;
  try {
    let head = '';
    const endsHeader = headerScan();
    for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) {
      head += piece.value;
      if (endsHeader(piece.value) || head.length > MAX_ROW) break;
    }
    const parser = parse({ delimiter: delimiterOf(head), relax_column_count: true, skip_empty_lines: true, info: true, max_record_size: MAX_ROW });
    pipeline(Readable.from(withHead(head, pieces)), parser, () => undefined);
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) yield [info.lines, record];
  } catch (error) {
    throw refusal(error);
  } finally {
    bytes.unpipe(text);
    bytes.resume(); // what is left unread must still leave the socket, or the answer would not be heard
    text.destroy();
  }
}

async function* withHead(head: string, pieces: AsyncIterator<string>): AsyncGenerator<string> {
  yield head;
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) yield piece.value;
}

function refusal(error: unknown): unknown {
  if (error instanceof CsvError) return validationFailed([{ pointer: '', code: 'invalid_csv', detail: `${error.message.slice(0, 300)}` }]);
  return error;
}

/** A misspelt column is refused rather than kept as something nobody asked for; an attribute says so in its name. */
function checkColumns(columns: string[]): string[] {
  const faults = columns.flatMap((column, index): Fault[] => {
    const at = { pointer: '', column };
    if (columns.indexOf(column) < index) return [{ ...at, code: 'duplicate_column', detail: `The column "${column}" stands twice.` }];
    if (IMPORT_COLUMNS.has(column) || isAttributeColumn(column)) return [];
    return [{ ...at, code: 'unknown_column', detail: `"${column.slice(0, 100)}" is no column; take one of ${[...IMPORT_COLUMNS].join(', ')}, or attributes.<name>.` }];
  });
  if (!columns.includes('customer_id') && !columns.includes('email')) faults.push({ pointer: '', code: 'missing_column', detail: 'A column customer_id or email must say who each row is about.' });
  if (faults.length > 0) throw validationFailed(faults);
  return columns;
}

const isAttributeColumn = (column: string): boolean => column.startsWith('attributes.') && isAttributeName(column.slice('attributes.'.length));

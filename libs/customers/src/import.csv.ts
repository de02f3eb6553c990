import { type Readable, Transform } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { type Fault, RequestError, validationFailed } from '#kernel';
import { CHANNELS } from '#tenants';
import { isAttributeName } from './dto/customer.rules.js';

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

/** The CSV body of a request. @throws RequestError unsupported_media_type */
export function csvBody(body: unknown): Readable {
  if (body === null || typeof body !== 'object' || !('pipe' in body)) throw new RequestError('unsupported_media_type', { detail: 'Send the file as the body, with Content-Type: text/csv.' });
  return body as Readable;
}

/**
 * Reads a CSV file (RFC 4180, UTF-8, the first row names the columns) as it arrives, in constant memory.
 *
 * @returns the columns, and the rows in chunks
 * @throws RequestError validation_failed when it is no such file; rows already handed out are void then
 */
export async function readCsv(file: Readable): Promise<{ columns: string[]; chunks: AsyncGenerator<CsvRow[]> }> {
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

async function* records(file: Readable): AsyncGenerator<CsvRow> {
  const parser = parse({ relax_column_count: true, skip_empty_lines: true, info: true, max_record_size: MAX_ROW });
  const text = utf8();
  const fail = (error: Error): unknown => parser.destroy(error);
  file.on('error', fail).on('close', () => void (file.readableEnded || fail(new Error('The body ended early.'))));
  text.on('error', fail);
  file.pipe(text).pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) yield [info.lines, record];
  } catch (error) {
    throw refusal(error);
  } finally {
    file.unpipe(text);
    file.resume(); // what is left unread must still leave the socket, or the answer would not be heard
  }
}

/** Lets UTF-8 pass, without its byte order mark, and nothing else. */
function utf8(): Transform {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer): string => decoder.decode(bytes, { stream: bytes !== undefined });
  const step = (work: () => string, done: (error: Error | null, text?: string) => void): void => {
    try {
      done(null, work());
    } catch (error) {
      done(error as Error);
    }
  };
  return new Transform({ transform: (bytes: Buffer, _encoding, done) => step(() => decode(bytes), done), flush: (done) => step(decode, done) });
}

function refusal(error: unknown): unknown {
  if (error instanceof CsvError) return validationFailed([{ pointer: '', code: 'invalid_csv', detail: `${error.message.slice(0, 300)}` }]);
  if ((error as { code?: string } | null)?.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return validationFailed([{ pointer: '', code: 'invalid_utf8', detail: 'The file is not UTF-8.' }]);
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

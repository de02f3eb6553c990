import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { CsvError, parse } from 'csv-parse';
import { RequestError, validationFailed } from '#kernel';
import { columnsOf } from './import.columns.js';
import { declaredDelimiter, delimiterOf, headerScan } from './import.delimiter.js';
import { type ImportOptions, importOptions } from './import.options.js';
import { type CsvChunk, ChunkWriter } from './import.chunks.js';
import { charsetOf, type FileText, textOf } from './import.text.js';


/** Bytes of one row. */
const MAX_ROW = 1024 * 1024;

/** Any of these ends a row: a file may have been edited with several tools, and `echo >>` ends its line with a line feed. */
const LINE_ENDS = ['\r\n', '\n', '\r'];

/** A file as it arrives, its declared charset, and its options. */
export interface CsvFile extends ImportOptions {
  bytes: Readable;
  charset: string | null;
}

/** The CSV body of a request, and what its query says of it. @throws RequestError unsupported_media_type, validation_failed */
export function csvBody({ body, headers, query }: { body: unknown; headers: { 'content-type'?: string }; query: unknown }): CsvFile {
  if (!(body instanceof Readable)) throw new RequestError('unsupported_media_type', { detail: 'Send the file as the body, with Content-Type: text/csv.' });
  return { bytes: body, charset: charsetOf(headers['content-type']), ...importOptions(query as Record<string, unknown>) };
}

/**
 * Reads a CSV file (RFC 4180, with any of four delimiters; the first row names the columns) as it arrives, in constant memory.
 *
 * @returns its header, which field each column is, the rows in chunks, and what it was read as once they were read
 * @throws RequestError validation_failed when it is no such file; rows already handed out are void then
 */
export async function readCsv(file: CsvFile): Promise<{ header: string[]; columns: string[]; chunks: AsyncGenerator<CsvChunk>; encoding(): string }> {
  const text = textOf(file.charset);
  const batches = records(file.bytes, text);
  const first = await batches.next();
  if (first.done) throw validationFailed([{ pointer: '', code: 'empty', detail: 'The file is empty: its first row names the columns.' }]);
  const { header } = first.value;
  try {
    return { header, columns: columnsOf(header, file.mapping), chunks: chunksOf(first.value, batches), encoding: () => text.encoding() };
  } catch (error) {
    await batches.return(undefined);
    throw error;
  }
}

async function* chunksOf({ rows }: Read, batches: AsyncGenerator<Read>): AsyncGenerator<CsvChunk> {
  yield* rows.full();
  for await (const _batch of batches) yield* rows.full();
  yield* rows.rest();
}

/** What was read so far: the first row, and the others. */
interface Read {
  header: string[];
  rows: ChunkWriter;
}

/** Yields whenever a piece of the file was parsed: a turn of the event loop for each row would cost more than parsing it. Never without a header. */
async function* records(bytes: Readable, text: FileText): AsyncGenerator<Read> {
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
    const rows = new ChunkWriter();
    let header: string[] | null = null;
    const declared = declaredDelimiter(head);
    const parser = parse({
      delimiter: declared ?? delimiterOf(head), from_line: declared === undefined ? 1 : 2, record_delimiter: LINE_ENDS, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, max_record_size: MAX_ROW,
      on_record: (record: string[], { lines }) => void (header === null ? (header = record) : rows.add([lines, record])),
    });
    parser.on('error', () => undefined).resume(); // whoever writes is told
    for await (const piece of withHead(head, pieces)) {
      await promisify<string, void>(parser.write.bind(parser) as never)(piece);
      if (header !== null) yield { header, rows };
    }
    await promisify<void>(parser.end.bind(parser) as never)();
    if (header !== null) yield { header, rows };
  } catch (error) {
    throw refusal(error);
  } finally {
    bytes.unpipe(text);
    bytes.resume(); // the rest must still be read from the socket, or the client might not read the answer
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

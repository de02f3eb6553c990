/** A row, and the line of the file on which it ends. */
export type CsvRow = [line: number, cells: string[]];

/** Rows as they are kept: the JSON, in UTF-8, of an array of {@link CsvRow}. */
export interface CsvChunk {
  count: number;
  json: Buffer;
  /** Call once the JSON is stored: its memory is reused for another chunk. */
  done(): void;
}

/** Rows that travel, and are worked on, together: enough to make little of what a transaction costs, few enough not to hold up who writes to the same customers. */
const CHUNK_ROWS = 1000;

/** Bytes at which a chunk is full, however few its rows. */
const CHUNK_BYTES = 256 * 1024;

/** Enough for a chunk unless its rows are long. */
const BUFFER_BYTES = 2 * CHUNK_BYTES;

/**
 * Writes rows behind one another into a buffer, until they are enough for a chunk.
 *
 * Neither into arrays nor into buffers of their own: arrays that outlive a collection or two teach V8 to put all that are made there among its
 * old objects, where dead ones keep their cells; and buffers that do wait there for a collection of everything. An upload then took 250 MB more.
 */
export class ChunkWriter {
  private bytes: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private readonly spare: Buffer[] = [];
  private length = 0;
  private count = 0;
  private chunks: CsvChunk[] = [];

  add(row: CsvRow): void {
    const json = JSON.stringify(row);
    const enough = this.length + 3 * json.length + 2; // at most three bytes per UTF-16 unit, a comma, the bracket
    if (enough > this.bytes.length) this.bytes = Buffer.concat([this.bytes.subarray(0, this.length)], 2 * enough);
    this.length += this.bytes.write(this.count === 0 ? '[' : ',', this.length);
    this.length += this.bytes.write(json, this.length);
    if (++this.count === CHUNK_ROWS || this.length >= CHUNK_BYTES) this.close();
  }

  /** Those that are full; each is told once. */
  full(): CsvChunk[] {
    const chunks = this.chunks;
    this.chunks = [];
    return chunks;
  }

  /** All that were not told. */
  rest(): CsvChunk[] {
    if (this.count > 0) this.close();
    return this.full();
  }

  private close(): void {
    const { bytes, count } = this;
    const length = this.length + bytes.write(']', this.length);
    this.chunks.push({ count, json: bytes.subarray(0, length), done: () => void (bytes.length === BUFFER_BYTES && this.spare.push(bytes)) });
    this.bytes = this.spare.pop() ?? Buffer.allocUnsafe(BUFFER_BYTES);
    this.length = this.count = 0;
  }
}

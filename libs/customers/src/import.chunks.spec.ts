import fc from 'fast-check';
import { type CsvChunk, type CsvRow, ChunkWriter } from './import.chunks.js';

const cell = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom('a', '"', '€', '\u0000', '\ud83d\ude00', '\ud83d'), fc.constantFrom(0, 1, 5000, 90_000, 300_000)).map(([text, times]) => text.repeat(times)),
);

/** Files of few long rows, and of many short ones. */
const rows: fc.Arbitrary<CsvRow[]> = fc.oneof(
  fc.array(fc.tuple(fc.nat(), fc.array(cell, { maxLength: 3 })), { maxLength: 12 }),
  fc.tuple(fc.nat({ max: 3500 }), cell.filter(({ length }) => length < 200)).map(([count, text]) => Array.from({ length: count }, (_, line): CsvRow => [line, [text, `${line}`]])),
);

const rowsOf = ({ json }: CsvChunk): CsvRow[] => JSON.parse(json.toString()) as CsvRow[];
const kept = (row: CsvRow): CsvRow => JSON.parse(Buffer.from(JSON.stringify(row)).toString()) as CsvRow;

test('every row is in one chunk, in order, whenever the chunks before were done with', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 5 }), (all, waits) => {
      const writer = new ChunkWriter();
      const waiting: CsvChunk[] = [];
      const read: CsvRow[][] = [];
      const keep = (chunk: CsvChunk): void => {
        read.push(rowsOf(chunk));
        expect(chunk.count).toBe(read.at(-1)!.length);
        chunk.done();
      };
      all.forEach((row, index) => {
        writer.add(row);
        waiting.push(...writer.full());
        while (waiting.length > waits[index % waits.length]!) keep(waiting.shift()!);
      });
      [...waiting, ...writer.rest()].forEach(keep);
      expect(read.flat()).toEqual(all.map(kept));
      for (const chunk of read) expect(chunk.length).toBeGreaterThan(0);
      for (const chunk of read) expect(chunk.length).toBeLessThanOrEqual(1000);
    }),
    { numRuns: 50 },
  );
});

test('a chunk of long rows is full before it has a thousand', () => {
  const writer = new ChunkWriter();
  for (let line = 0; line < 20; line++) writer.add([line, ['x'.repeat(30_000)]]);
  expect(writer.full().map(({ count }) => count)).toEqual([9, 9]);
  expect(writer.rest().map(({ count }) => count)).toEqual([2]);
});

test('the memory of a chunk is written again only when it is done', () => {
  const writer = new ChunkWriter();
  const [first, second] = [1, 2].map((line) => (writer.add([line, ['x']]), writer.rest()[0]!));
  first!.done();
  writer.add([3, ['y']]);
  const [third] = writer.rest();
  expect([rowsOf(second!), rowsOf(third!)]).toEqual([[[2, ['x']]], [[3, ['y']]]]);
  writer.add([4, ['z']]); // second is not done: nothing may write there
  expect([rowsOf(second!), rowsOf(third!), rowsOf(writer.rest()[0]!)]).toEqual([[[2, ['x']]], [[3, ['y']]], [[4, ['z']]]]);
});

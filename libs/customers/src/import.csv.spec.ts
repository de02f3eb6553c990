import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { CsvChunk, CsvRow } from './import.chunks.js';
import { type CsvFile, readCsv } from './import.csv.js';
import { delimiterOf, headerScan } from './import.delimiter.js';
import { charsetOf } from './import.text.js';

const HEADER = ['customer_id', 'first_name', 'tags', 'attributes.note'];

const rowsOf = (chunk: CsvChunk): CsvRow[] => JSON.parse(chunk.json.toString()) as CsvRow[];

const read = async (file: CsvFile) => {
  const { columns, chunks } = await readCsv(file);
  const rows: string[][] = [];
  for await (const chunk of chunks) rows.push(...rowsOf(chunk).map(([, cells]) => cells));
  return { columns, rows };
};
const fileOf = (parts: readonly Buffer[], charset: string | null = null): CsvFile => ({ bytes: Readable.from(parts, { objectMode: false }), charset });
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();
/** The upper half that windows-1252 has and ISO 8859-1 has not. */
const EURO = 'Zoë €5 “ß”';

/** How bytes are made of a text, and what their sender says of it. */
const ENCODINGS: Record<string, { charset: string | null; encode: (text: string) => Buffer; latin?: boolean }> = {
  'utf-8': { charset: null, encode: (text) => Buffer.from(text) },
  'utf-8 with a mark': { charset: null, encode: (text) => Buffer.from(`\uFEFF${text}`) },
  'a mark against the charset': { charset: 'windows-1252', encode: (text) => Buffer.from(`\uFEFF${text}`) },
  'utf-16 by its mark': { charset: null, encode: (text) => Buffer.from(`\uFEFF${text}`, 'utf16le') },
  'utf-16be by its mark': { charset: 'utf-16le', encode: (text) => bigEndian(`\uFEFF${text}`) },
  'utf-16be by its charset': { charset: 'utf-16be', encode: bigEndian },
  'windows-1252': { charset: 'windows-1252', encode: (text) => Buffer.from(text, 'latin1'), latin: true },
};

const cell = (latin: boolean) => fc.oneof(fc.string({ unit: fc.constantFrom(',', ';', '\t', '|', '"', '\n', '\r', ' ', 'a') }), latin ? fc.string({ unit: fc.constantFrom('é', 'ß', 'Ø', 'x') }) : fc.string({ unit: 'grapheme' }));

const scene = fc.constantFrom(...Object.keys(ENCODINGS)).chain((encoding) =>
  fc.record({
    encoding: fc.constant(encoding),
    rows: fc.array(fc.array(fc.tuple(cell(ENCODINGS[encoding]!.latin ?? false), fc.boolean()), { minLength: HEADER.length, maxLength: HEADER.length }), { maxLength: 8 }),
    quotedHeader: fc.boolean(),
    delimiter: fc.constantFrom(',', ';', '\t', '|'),
    newlines: fc.array(fc.constantFrom('\n', '\r\n', '\r'), { minLength: 1, maxLength: 4 }),
    lastNewline: fc.boolean(),
    cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
  }),
);

const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;

test('rows are the same whatever the delimiter, the quotes, the line ends, the encoding and the pieces they come in', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async ({ encoding, rows, quotedHeader, delimiter, newlines, lastNewline, cuts }) => {
      const { charset, encode } = ENCODINGS[encoding]!;
      const lines = [HEADER.map((name) => (quotedHeader ? quote(name) : name)), ...rows.map((row) => row.map(([text, quoted]) => (quoted || /[",;|\t\r\n]/.test(text) ? quote(text) : text)))];
      const end = (index: number): string => (index < lines.length - 1 || lastNewline ? newlines[index % newlines.length]! : '');
      const bytes = encode(lines.map((line, index) => line.join(delimiter) + end(index)).join(''));
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const parts = at.slice(1).map((end, index) => bytes.subarray(at[index], end)).filter((part) => part.length > 0);
      expect(await read(fileOf(parts, charset))).toEqual({ columns: HEADER, rows: rows.map((row) => row.map(([text]) => text)) });
    }),
    { numRuns: 150 },
  );
});

test.each([
  ['customer_id', ','],
  ['customer_id;email,first_name', ','],
  ['customer_id;email|city', ';'],
  ['\n\r\n"a\n,b";email\n,,,,,', ';'],
  ['"a,b,c,d";email', ';'],
  ['"say ""a,b,c""";email', ';'],
  ['customer_id\temail', '\t'],
  ['customer_id|email', '|'],
])('the delimiter of %j is %j', (header, delimiter) => expect(delimiterOf(header)).toBe(delimiter));

test.each([
  ['sep=;\r\ncustomer_id;first_name,tags\r\na;b,c\r\n', ['a', 'b,c']],
  ['"SEP=|"\ncustomer_id|first_name,tags\na|b,c\n', ['a', 'b,c']],
])('a first line may declare the delimiter, whatever pieces it comes in: %j', async (text, row) => {
  for (let size = 1; size < 9; size++) {
    const parts = (text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map((part) => Buffer.from(part));
    const { header, chunks } = await readCsv({ ...fileOf(parts), mapping: new Map([['first_name,tags', 'city']]) });
    expect([header, rowsOf((await chunks.next()).value as CsvChunk)]).toEqual([['customer_id', 'first_name,tags'], [[3, row]]]);
  }
});

test('a header ends with its line, not with one in quotes', () => expect(['\r\n', '\n"a', '\n;', '"', ',b', '\n'].map(headerScan())).toEqual([false, false, false, false, false, true]));

test('a charset is known by its labels of the Encoding Standard', () => {
  expect([charsetOf('text/csv'), charsetOf('text/csv; charset=UTF-16'), charsetOf('text/csv;header=present; Charset="latin1"')]).toEqual([null, 'utf-16le', 'windows-1252']);
  expect(() => charsetOf('text/csv; charset=klingon')).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }));
  expect(new TextDecoder('latin1').decode(Buffer.from([0x5a, 0x6f, 0xeb, 0x20, 0x80, 0x35, 0x20, 0x93, 0xdf, 0x94]))).toBe(EURO);
});

test.each([1, 2, 3, 7, 1000])('bytes that are not of the encoding are told by their line, in pieces of %i', async (size) => {
  const bytes = Buffer.concat([Buffer.from('customer_id\nZoë\nJosé\n'), Buffer.from('Ren\u00e9\n', 'latin1'), Buffer.from('last\n')]);
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, part) => bytes.subarray(part * size, (part + 1) * size));
  await expect(read(fileOf(parts))).rejects.toMatchObject({ context: { errors: [{ code: 'invalid_encoding', detail: expect.stringMatching(/^Line 4 is not UTF-8/) }] } });
});

test('half a character at the end is none', async () => {
  const faulty = (bytes: Buffer, charset: string | null = null) => expect(read(fileOf([bytes], charset))).rejects.toMatchObject({ context: { errors: [{ code: 'invalid_encoding' }] } });
  await faulty(Buffer.from('customer_id\nZoë').subarray(0, -1));
  await faulty(Buffer.from('customer_id\na', 'utf16le').subarray(0, -1), 'utf-16le');
});

describe('a file of which nobody says what it is', () => {
  const header = 'customer_id,first_name\n';
  const told = async (bytes: Buffer, pieces = 7) => {
    const parts = Array.from({ length: Math.ceil(bytes.length / pieces) }, (_, n) => bytes.subarray(n * pieces, (n + 1) * pieces));
    const { chunks, encoding } = await readCsv(fileOf(parts));
    const rows: string[][] = [];
    for await (const chunk of chunks) rows.push(...rowsOf(chunk).map(([, cells]) => cells));
    return [encoding(), ...rows.map(([, name]) => name)];
  };
  const in1252 = (text: string) => Buffer.from([...text].map((char) => ({ '€': 0x80, 'œ': 0x9c, '’': 0x92 })[char] ?? char.charCodeAt(0)));

  test.each(['Zoë', 'Müller-Lüdenscheidt', 'François d’Œuvré', 'Núñez', 'João', 'Åse Ødegård', 'Spaß'])('%s, as Excel saves it', async (name) => {
    const cell = name.replace('Œ', 'œ');
    const rows = `${header}${'1,Ann\n'.repeat(50)}2,${cell}\n3,${cell}`;
    for (const pieces of [1, 3, 7, 10_000]) expect(await told(in1252(rows), pieces)).toEqual(['windows-1252', ...Array<string>(50).fill('Ann'), cell, cell]);
    expect(await told(Buffer.from(rows))).toEqual(['utf-8', ...Array<string>(50).fill('Ann'), cell, cell]);
  });

  test.each(['utf16le', 'utf16be'])('%s without a mark', async (wide) => {
    const bytes = Buffer.from(`${header}1,Zoë Ж`, 'utf16le');
    expect(await told(wide === 'utf16le' ? bytes : bytes.swap16())).toEqual([wide.replace('utf16', 'utf-16'), 'Zoë Ж']);
  });

  test.each([
    ['Russian (windows-1251)', Buffer.from([0xc8, 0xe2, 0xe0, 0xed])],
    ['Polish (windows-1250)', Buffer.from([0x50, 0x61, 0x77, 0x65, 0xb3])],
    ['Turkish (windows-1254)', Buffer.from([0x41, 0x79, 0xfe, 0x65])],
    ['UTF-8 with a broken byte', Buffer.concat([Buffer.from('Zoë'), Buffer.from([0xe9, 0x20])])],
  ])('%s is refused, not guessed at', async (_, name) => {
    await expect(told(Buffer.concat([Buffer.from(`${header}1,Ann\n2,`), name, Buffer.from('\n')]), 10_000)).rejects.toMatchObject({ context: { errors: [{ code: 'invalid_encoding', detail: expect.stringContaining('Line 3') as string }] } });
  });

  test('a UTF-8 file is no other because of one bad byte, far from its letters', async () => {
    await expect(told(Buffer.concat([Buffer.from(`${header}1,Zoë\n${'2,Ann\n'.repeat(3000)}3,Zo`), Buffer.from([0xeb]), Buffer.from('\n')]), 1000)).rejects.toThrow();
  });
});

test('a quote within a cell is a quote', async () => {
  expect((await read(fileOf([Buffer.from('customer_id,first_name\n1,Joe "Fingers" Smith\n2,5" pipe\n3,"a ""b"""\n')]))).rows).toEqual([['1', 'Joe "Fingers" Smith'], ['2', '5" pipe'], ['3', 'a "b"']]);
});

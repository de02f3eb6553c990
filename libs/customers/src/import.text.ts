import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import { RequestError, validationFailed } from '#kernel';

const NEWLINE = 0x0a;

/** The charset of a Content-Type, if it names one. @throws RequestError unsupported_media_type for one that nobody knows */
export function charsetOf(contentType = ''): string | null {
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1];
  if (label === undefined) return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    throw new RequestError('unsupported_media_type', { detail: 'This charset is unknown; take utf-8, utf-16, windows-1252, iso-8859-1 or another label of the WHATWG Encoding Standard.' });
  }
}

/** What a file is read as when nothing says so: UTF-8, and of what is none, windows-1252 where it can be nothing else that people have. */
export type FileText = Transform & { encoding(): string };

/**
 * Makes text of bytes, without their byte order mark, which outranks the charset (https://encoding.spec.whatwg.org/#decode). Without
 * either it is UTF-8, or UTF-16 where every other of the first bytes is zero, or windows-1252 where it looks like the Western European
 * text that spreadsheets save as that. What is none of it, or not in the encoding that was said, is refused: a wrong guess is stored as wrong names.
 */
export function textOf(charset: string | null): FileText {
  let held = Buffer.alloc(0); // until there is enough to see a byte order mark
  let decoder: LineDecoder | null = null;
  const step = (done: (error: Error | null, text?: string) => void, work: () => string): void => {
    try {
      done(null, work());
    } catch (error) {
      done(error as Error);
    }
  };
  const begin = (): LineDecoder => {
    const known = markOf(held) ?? charset;
    return (decoder = known === null ? new LineDecoder(wideOf(held) ?? 'utf-8', true) : new LineDecoder(known, false));
  };
  const text = new Transform({
    readableObjectMode: true, // texts, each as it was decoded
    readableHighWaterMark: 1, // what waits outlives collections, and then stays for long
    transform: (bytes: Buffer, _encoding, done) =>
      step(done, () => {
        if (decoder !== null) return decoder.decode(bytes);
        held = Buffer.concat([held, bytes]);
        return held.length < 4 ? '' : begin().decode(held);
      }),
    flush: (done) => step(done, () => (decoder === null ? begin().decode(held, true) : decoder.decode(Buffer.alloc(0), true))),
  });
  return Object.assign(text, { encoding: () => decoder?.encoding ?? 'utf-8' });
}

function markOf(bytes: Buffer): string | null {
  const mark = bytes.toString('hex', 0, 3);
  return mark === 'efbbbf' ? 'utf-8' : mark.startsWith('fffe') ? 'utf-16le' : mark.startsWith('feff') ? 'utf-16be' : null;
}

/** A header begins with letters of ASCII: in UTF-16 each of them has a zero beside it. */
function wideOf([a, b, c, d]: Buffer): string | null {
  if (a && b === 0 && c && d === 0) return 'utf-16le';
  return a === 0 && b && c === 0 && d ? 'utf-16be' : null;
}

/**
 * What Western European texts in windows-1252 have beside ASCII. Left out is what stands there when a text is really Polish, Czech or Turkish
 * (windows-1250, -1254), whose letters share most of the places.
 */
const WESTERN = /^[\0-\x7f\u00a0¡£§©ª«®°´·º»¿À-ÏÑ-ÖØ-Üß-ïñ-öø-üÿŒœŠšŽžŸ‘’“”„–—…€]*$/;

/** Nor do they write three such letters in a row, as every word of Cyrillic or Greek looks; nor what is UTF-8 but for a byte elsewhere. */
const ELSEWHERE = /[À-ÿ]{3}|[ÃÄÅ][\u0080-\u00bf€‚-‡ˆ‰Š‹ŒŽ–—‘-”•˜™š›œžŸ]/;

/** A decoder that can say on which line the bytes are wrong. */
class LineDecoder {
  private decoder: InstanceType<typeof TextDecoder>;
  /** Line feeds in what was decoded. */
  private lines = 0;
  /** The last bytes of a chunk, where they may begin a character that the next one ends. */
  private open = Buffer.alloc(0);
  private onlyAscii = true;

  /** @param guessed whether nothing said what it is */
  constructor(
    public encoding: string,
    private readonly guessed: boolean,
  ) {
    this.decoder = new TextDecoder(encoding, { fatal: true });
  }

  decode(bytes: Buffer, last = false): string {
    try {
      const text = this.decoder.decode(bytes, { stream: !last });
      if (this.guessed && this.encoding === 'windows-1252' && !isWestern(text)) throw new RangeError('not Western');
      return this.decoded(text, bytes);
    } catch {
      const unread = Buffer.concat([this.open, bytes]);
      const western = this.guessed && this.encoding === 'utf-8' && this.onlyAscii ? westernOf(unread) : null;
      const cut = last && /[ÃÄÅ]$/.test(western ?? ''); // as UTF-8 looks that ends in the middle of a letter
      if (western === null || cut) throw validationFailed([{ pointer: '', code: 'invalid_encoding', detail: this.complaint(unread) }]);
      this.encoding = 'windows-1252';
      this.decoder = new TextDecoder(this.encoding);
      return this.decoded(western, bytes);
    }
  }

  private decoded(text: string, bytes: Buffer): string {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.lines++;
    this.onlyAscii &&= text.length === 0 || Buffer.byteLength(text) === text.length;
    this.open = this.encoding === 'utf-8' ? openEnd(bytes) : Buffer.alloc(0);
    return text;
  }

  private complaint(bytes: Buffer): string {
    if (this.encoding !== 'utf-8' && !this.guessed) return `The file is not ${this.encoding}: after line ${this.lines} something else comes.`;
    let line = this.lines + 1;
    for (let from = 0, to = bytes.indexOf(NEWLINE); to !== -1 && isUtf8(bytes.subarray(from, to)); to = bytes.indexOf(NEWLINE, from)) {
      from = to + 1;
      line++;
    }
    return `Line ${line} is not UTF-8. Save the file as UTF-8, or say what it is, such as Content-Type: text/csv; charset=windows-1250.`;
  }
}

const isWestern = (text: string): boolean => WESTERN.test(text) && !ELSEWHERE.test(text);

function westernOf(bytes: Buffer): string | null {
  const text = new TextDecoder('windows-1252').decode(bytes);
  return isWestern(text) ? text : null;
}

/** From the last byte that begins a character of several in UTF-8. */
function openEnd(bytes: Buffer): Buffer<ArrayBuffer> {
  for (let at = bytes.length - 1; at >= 0 && at >= bytes.length - 3; at--) if (bytes[at]! >= 0xc0) return Buffer.from(bytes.subarray(at));
  return Buffer.alloc(0);
}

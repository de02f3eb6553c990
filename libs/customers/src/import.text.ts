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

/**
 * Makes text of bytes, without their byte order mark, which outranks the charset (https://encoding.spec.whatwg.org/#decode).
 * Without either it is UTF-8. What is not in its encoding is refused, never guessed at: of the single-byte encodings every
 * file passes for each, and a wrong guess is stored as wrong names.
 */
export function textOf(charset: string | null): Transform {
  let held = Buffer.alloc(0); // until there is enough to see a byte order mark
  let decoder: LineDecoder | null = null;
  const step = (done: (error: Error | null, text?: string) => void, work: () => string): void => {
    try {
      done(null, work());
    } catch (error) {
      done(error as Error);
    }
  };
  return new Transform({
    readableObjectMode: true, // texts, each as it was decoded
    transform: (bytes: Buffer, _encoding, done) =>
      step(done, () => {
        if (decoder !== null) return decoder.decode(bytes);
        held = Buffer.concat([held, bytes]);
        return held.length < 3 ? '' : (decoder = new LineDecoder(markOf(held) ?? charset ?? 'utf-8')).decode(held);
      }),
    flush: (done) => step(done, () => (decoder === null ? new LineDecoder(markOf(held) ?? charset ?? 'utf-8').decode(held, true) : decoder.decode(Buffer.alloc(0), true))),
  });
}

function markOf(bytes: Buffer): string | null {
  const mark = bytes.toString('hex', 0, 3);
  return mark === 'efbbbf' ? 'utf-8' : mark.startsWith('fffe') ? 'utf-16le' : mark.startsWith('feff') ? 'utf-16be' : null;
}

/** A decoder that can say on which line the bytes are wrong. */
class LineDecoder {
  private readonly decoder: InstanceType<typeof TextDecoder>;
  /** Line feeds in what was decoded. */
  private lines = 0;
  /** The last bytes of a chunk, where they may begin a character that the next one ends. */
  private open = Buffer.alloc(0);

  constructor(private readonly encoding: string) {
    this.decoder = new TextDecoder(encoding, { fatal: true });
  }

  decode(bytes: Buffer, last = false): string {
    try {
      const text = this.decoder.decode(bytes, { stream: !last });
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.lines++;
      this.open = openEnd(bytes);
      return text;
    } catch {
      throw validationFailed([{ pointer: '', code: 'invalid_encoding', detail: this.complaint(Buffer.concat([this.open, bytes])) }]);
    }
  }

  private complaint(bytes: Buffer): string {
    if (this.encoding !== 'utf-8') return `The file is not ${this.encoding}: after line ${this.lines} something else comes.`;
    let line = this.lines + 1;
    for (let from = 0, to = bytes.indexOf(NEWLINE); to !== -1 && isUtf8(bytes.subarray(from, to)); to = bytes.indexOf(NEWLINE, from)) {
      from = to + 1;
      line++;
    }
    return `Line ${line} is not UTF-8. Save the file as UTF-8, or say what it is, such as Content-Type: text/csv; charset=windows-1252.`;
  }
}

/** From the last byte that begins a character of several in UTF-8. */
function openEnd(bytes: Buffer): Buffer<ArrayBuffer> {
  for (let at = bytes.length - 1; at >= 0 && at >= bytes.length - 3; at--) if (bytes[at]! >= 0xc0) return Buffer.from(bytes.subarray(at));
  return Buffer.alloc(0);
}

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Fault, isObject, pointerToken, type RequestError, validationFailed } from '#kernel';

/** Deeper than any valid body, and shallow enough to stop an attacker's `[[[[…`. */
export const MAX_DEPTH = 20;

/** More items than any batch may have. */
const MAX_ITEMS = 1000;

/** Stands for a body, or an item of a batch, that PostgreSQL cannot store; {@link DtoPipe} refuses it with these faults, whatever its type should have been. */
export class Unstorable {
  /**
   * @param faults their pointers start at the value
   * @param body a hash of the whole body: without it, two bodies that differ only in such items would have the same print
   * @param value as received: to inspect only, never to store, copy or return
   */
  constructor(
    readonly faults: Fault[],
    readonly body: string,
    readonly value: unknown,
  ) {}

  toJSON(): object {
    return { faults: this.faults, body: this.body };
  }
}

export interface JsonRules {
  /** The member whose items are accepted or refused one by one: each that cannot be stored becomes an {@link Unstorable}. */
  batch?: string;
  /** Whether a body that cannot be stored becomes an {@link Unstorable} too, for its route to refuse. */
  whole?: boolean;
  /** The most objects, lists and members it may hold. */
  mostParts?: number;
}

/**
 * Parses a JSON body from outside: UTF-8 (RFC 8259 §8.1), no `__proto__`, no deeper than {@link MAX_DEPTH}, and only values that
 * PostgreSQL can hold: no U+0000, no lone surrogates, no numbers beyond a double. An empty body gives undefined.
 *
 * @throws RequestError validation_failed
 */
export function parseJson(body: Buffer, { batch, whole = false, mostParts = Infinity }: JsonRules = {}): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw unreadable('not_utf8', 'The body is not UTF-8.');
  assertParts(body, mostParts);
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable('not_json', `The body is not JSON: ${reasonIn(error)}`);
  }
  const escaped = text.includes('\\u');
  let faults = unstorable(value, escaped);
  if (faults.length > 0 && batch !== undefined && setApart(value, batch, escaped, body)) faults = unstorable(value, escaped);
  if (faults.length === 0) return value;
  if (whole) return new Unstorable(faults, printOf(body), value);
  throw validationFailed(faults);
}

const unreadable = (code: string, detail: string): RequestError => validationFailed([{ pointer: '', code, detail }], detail);

/** V8's message ends with the text around the fault, which may be a credential. */
const reasonIn = (error: unknown): string => (error as Error).message.replace(/, (\.\.\.)?"[^]*$/, '');

const printOf = (body: Buffer): string => createHash('sha256').update(body).digest('base64');

/** @returns whether the body has such a batch */
function setApart(value: unknown, batch: string, escaped: boolean, body: Buffer): boolean {
  const items: unknown = isObject(value) ? value[batch] : undefined;
  if (!Array.isArray(items) || items.length > MAX_ITEMS) return false;
  const print = printOf(body);
  for (const [index, item] of items.entries()) {
    const faults = unstorable(item, escaped, 2);
    if (faults.length > 0) items[index] = new Unstorable(faults, print, item);
  }
  return true;
}

const [QUOTE, BACKSLASH, COLON, BRACE, BRACKET] = Buffer.from('"\\:{[');

/** @throws RequestError validation_failed for JSON with more than `most` objects, lists and members: parsed, they would take a hundred times its bytes */
export function assertParts(json: Buffer, most: number): void {
  if (json.length <= most || !hasMoreParts(json, most)) return;
  throw validationFailed([{ pointer: '', code: 'too_large', detail: `The body may hold ${most} objects, lists and members.` }]);
}

/** Whether there are more than `most` objects, lists and members. Counting takes a hundredth of the time of parsing. */
function hasMoreParts(json: Buffer, most: number): boolean {
  let parts = 0;
  let inText = false;
  for (let at = 0; at < json.length && parts <= most; at++) {
    const byte = json[at];
    if (byte === QUOTE) inText = !inText;
    else if (inText && byte === BACKSLASH) at++;
    else if (!inText && (byte === COLON || byte === BRACE || byte === BRACKET)) parts++;
  }
  return parts > most;
}

/** @param level how deep in the body the value is */
const unstorable = (value: unknown, escaped: boolean, level = 0): Fault[] => new Inspection(escaped, level).of(value);

/** At most so many faults are reported. */
const MOST_TOLD = 20;

/** Checks every value of a body. There may be a million, so it allocates nothing on the way and builds a pointer only for a fault. */
class Inspection {
  private readonly faults: Fault[] = [];
  private readonly path: (string | number)[] = [];

  /** @param escaped whether the text has a `\u`: without one, JSON in UTF-8 holds neither U+0000 nor a lone surrogate */
  constructor(
    private readonly escaped: boolean,
    private readonly level: number,
  ) {}

  of(root: unknown): Fault[] {
    this.value(root);
    return this.faults;
  }

  private value(value: unknown): void {
    if (typeof value === 'string') {
      if (this.escaped) this.tell(textFault(value));
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) this.tell({ code: 'out_of_range', detail: 'The number is too large.' });
    } else if (typeof value === 'object' && value !== null && !(value instanceof Unstorable)) {
      if (this.path.length + this.level >= MAX_DEPTH) this.tell({ code: 'too_deep', detail: `JSON may nest ${MAX_DEPTH} levels.` });
      else if (Array.isArray(value)) this.elements(value);
      else this.members(value as Record<string, unknown>);
    }
  }

  private elements(list: readonly unknown[]): void {
    const step = this.path.push(0) - 1;
    for (let at = 0; at < list.length && this.faults.length < MOST_TOLD; at++) {
      this.path[step] = at;
      this.value(list[at]);
    }
    this.path.pop();
  }

  private members(object: Record<string, unknown>): void {
    const step = this.path.push('') - 1;
    for (const key of Object.keys(object)) {
      if (this.faults.length >= MOST_TOLD) break;
      this.path[step] = key;
      if (key === '__proto__' || key === 'constructor' || (this.escaped && textFault(key) !== null)) this.tell({ code: 'forbidden_key', detail: 'This key is not allowed.' });
      else this.value(object[key]);
    }
    this.path.pop();
  }

  private tell(complaint: Complaint | null): void {
    if (complaint !== null) this.faults.push({ pointer: this.path.map((step) => `/${pointerToken(typeof step === 'string' ? storable(step) : step)}`).join(''), ...complaint });
  }
}

/** The key in a form that can be stored, since an answer that names it may be kept. */
const storable = (key: string): string => key.toWellFormed().replaceAll('\u0000', '\ufffd');

type Complaint = Pick<Fault, 'code' | 'detail'>;

/** Why PostgreSQL cannot store the text, or null. */
export function textFault(text: string): Complaint | null {
  if (text.includes('\u0000')) return { code: 'null_character', detail: 'U+0000 is not allowed.' };
  if (!text.isWellFormed()) return { code: 'lone_surrogate', detail: 'The text is not well-formed Unicode.' };
  return null;
}

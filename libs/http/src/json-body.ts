import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Fault, isObject, pointerToken, RequestError, validationFailed } from '#kernel';

/** Deeper than any body of ours; an attacker's `[[[[…` is not. */
export const MAX_DEPTH = 20;

/** More than any batch of ours takes. */
const MAX_ITEMS = 1000;

/** Stands for an item of a batch that nobody can keep; {@link DtoPipe} refuses it with these faults, whatever it should have been. */
export class UnstorableItem {
  /**
   * @param faults with pointers into the item
   * @param body the print of the whole body, which otherwise could not be told from one with another such item
   */
  constructor(
    readonly faults: Fault[],
    readonly body: string,
  ) {}
}

/**
 * Parses a JSON body that came from outside: UTF-8 (RFC 8259 §8.1), no `__proto__`, no deeper than {@link MAX_DEPTH}, and only values that
 * PostgreSQL can hold: no U+0000, no lone surrogates, no numbers beyond a double. An empty body is undefined.
 *
 * @param batch the member whose items answer each for itself: such an item becomes an {@link UnstorableItem}
 * @throws RequestError validation_failed
 */
export function parseJson(body: Buffer, batch?: string): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new RequestError('validation_failed', { detail: 'The body is not UTF-8.' });
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new RequestError('validation_failed', { detail: `The body is not JSON: ${(error as Error).message.slice(0, 200)}` });
  }
  let faults = unstorable(value);
  if (faults.length > 0 && batch !== undefined && setApart(value, batch, body)) faults = unstorable(value);
  if (faults.length > 0) throw validationFailed(faults);
  return value;
}

/** @returns whether there are items to set apart */
function setApart(value: unknown, batch: string, body: Buffer): boolean {
  const items: unknown = isObject(value) ? value[batch] : undefined;
  if (!Array.isArray(items) || items.length > MAX_ITEMS) return false;
  const print = createHash('sha256').update(body).digest('base64');
  for (const [index, item] of items.entries()) {
    const faults = unstorable(item, 2);
    if (faults.length > 0) items[index] = new UnstorableItem(faults, print);
  }
  return true;
}

/** Walks without recursion (the depth is the caller's choice) and stops at twenty faults. */
function unstorable(root: unknown, level = 0): Fault[] {
  const faults: Fault[] = [];
  const stack: { members: object; pointer: string; depth: number }[] = [{ members: [root], pointer: '', depth: level }];
  for (let next = stack.pop(); next !== undefined && faults.length < 20; next = stack.pop()) {
    const { members, pointer, depth } = next;
    for (const [key, value] of Object.entries(members) as [string, unknown][]) {
      const at = (): string => (depth === level ? '' : `${pointer}/${pointerToken(storable(key))}`); // only when it is needed: there may be a million members
      const fault = keyFault(key) ?? valueFault(value);
      if (fault !== null) faults.push({ pointer: at(), ...fault });
      else if (typeof value !== 'object' || value === null || value instanceof UnstorableItem) continue;
      else if (depth >= MAX_DEPTH) faults.push({ pointer: at(), code: 'too_deep', detail: `JSON may nest ${MAX_DEPTH} levels.` });
      else stack.push({ members: value, pointer: at(), depth: depth + 1 });
    }
  }
  return faults.slice(0, 20);
}

/** Answers that name the key may be kept. */
const storable = (key: string): string => key.toWellFormed().replaceAll('\u0000', '\ufffd');

type Complaint = Pick<Fault, 'code' | 'detail'>;

const keyFault = (key: string): Complaint | null =>
  key === '__proto__' || key === 'constructor' || textFault(key) !== null ? { code: 'forbidden_key', detail: 'This key is not allowed.' } : null;

function valueFault(value: unknown): Complaint | null {
  if (typeof value === 'string') return textFault(value);
  return typeof value === 'number' && !Number.isFinite(value) ? { code: 'out_of_range', detail: 'The number is too large.' } : null;
}

/** What keeps a text out of PostgreSQL, or null. */
export function textFault(text: string): Complaint | null {
  if (text.includes('\u0000')) return { code: 'null_character', detail: 'U+0000 is not allowed.' };
  if (!text.isWellFormed()) return { code: 'lone_surrogate', detail: 'The text is not well-formed Unicode.' };
  return null;
}

import { isUtf8 } from 'node:buffer';
import { type Fault, pointerToken, RequestError, validationFailed } from '#kernel';

/** Deeper than any body of ours; an attacker's `[[[[…` is not. */
export const MAX_DEPTH = 20;

/**
 * Parses a JSON body that came from outside: UTF-8 (RFC 8259 §8.1), no `__proto__`, no deeper than {@link MAX_DEPTH}, and only values that
 * PostgreSQL can hold: no U+0000, no lone surrogates, no numbers beyond a double. An empty body is undefined.
 *
 * @throws RequestError validation_failed
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new RequestError('validation_failed', { detail: 'The body is not UTF-8.' });
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new RequestError('validation_failed', { detail: `The body is not JSON: ${(error as Error).message.slice(0, 200)}` });
  }
  const faults = unstorable(value);
  if (faults.length > 0) throw validationFailed(faults);
  return value;
}

/** Walks without recursion (the depth is the caller's choice) and stops at twenty faults. */
function unstorable(root: unknown): Fault[] {
  const faults: Fault[] = [];
  const stack: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 0 }];
  for (let next = stack.pop(); next !== undefined && faults.length < 20; next = stack.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value === 'string') {
      const fault = textFault(value);
      if (fault !== null) faults.push({ pointer, ...fault });
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) faults.push({ pointer, code: 'out_of_range', detail: 'The number is too large.' });
    } else if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH) {
        faults.push({ pointer, code: 'too_deep', detail: `JSON may nest ${MAX_DEPTH} levels.` });
        continue;
      }
      for (const [key, child] of Object.entries(value)) {
        const at = `${pointer}/${pointerToken(key)}`;
        if (key === '__proto__' || key === 'constructor' || textFault(key) !== null) {
          faults.push({ pointer: at, code: 'forbidden_key', detail: 'This key is not allowed.' });
        } else if (typeof child === 'object' || typeof child === 'string' || typeof child === 'number') {
          stack.push({ value: child, pointer: at, depth: depth + 1 });
        }
      }
    }
  }
  return faults;
}

/** What keeps a text out of PostgreSQL, or null. */
export function textFault(text: string): Pick<Fault, 'code' | 'detail'> | null {
  if (text.includes('\u0000')) return { code: 'null_character', detail: 'U+0000 is not allowed.' };
  if (!text.isWellFormed()) return { code: 'lone_surrogate', detail: 'The text is not well-formed Unicode.' };
  return null;
}

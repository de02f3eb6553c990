import { randomFillSync } from 'node:crypto';

/** Crockford's base32, lower case: no i, l, o, u; sorts like the number it spells (https://www.crockford.com/base32.html). */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Big-endian bytes → base32, most significant first; 5 bits per character, left-padded with zero bits. */
export function base32(bytes: Uint8Array): string {
  let out = '';
  let value = 0;
  let bits = (5 - ((bytes.length * 8) % 5)) % 5; // the padding
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff; // at most four bits are left of the byte before
    for (bits += 8; bits >= 5; bits -= 5) out += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return out;
}

/** The inverse of {@link base32}; null when the text is not base32 of exactly `size` bytes. */
export function fromBase32(text: string, size: number): Uint8Array | null {
  if (text.length !== Math.ceil((size * 8) / 5)) return null;
  const bytes = new Uint8Array(size);
  let value = 0;
  let bits = -((5 - ((size * 8) % 5)) % 5); // the padding
  let at = 0;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0 || (bits < 0 && digit >> (5 + bits) > 0)) return null;
    value = ((value << 5) | digit) & 0xfff; // at most seven bits are left of the characters before
    bits += 5;
    if (bits >= 8) bytes[at++] = value >> (bits -= 8);
  }
  return bytes;
}

/**
 * A sortable public id: the prefix, `_`, and 26 base32 characters = 48 bits of Unix milliseconds + 80 random bits
 * (the layout of a ULID, https://github.com/ulid/spec).
 *
 * @example newId('camp') // "camp_01kzv3q6x0w9m2h7c4t8r5e1nd"
 */
export function newId(prefix: string, at: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, (used += ID_BYTES));
  bytes.writeUIntBE(at, 0, 6);
  return `${prefix}_${base32(bytes)}`;
}

const ID_BYTES = 16;

/** Random bytes for many ids, since asking the system for each id took longer than all the rest. No byte is used twice. */
const pool = Buffer.alloc(256 * ID_BYTES);
let used = pool.length;

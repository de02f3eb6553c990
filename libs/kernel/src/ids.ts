import { randomBytes } from 'node:crypto';

/** Crockford's base32, lower case: no i, l, o, u; sorts like the number it spells (https://www.crockford.com/base32.html). */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Big-endian bytes → base32, most significant first; 5 bits a character, left-padded with zero bits. */
export function base32(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length * 8) / 5);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let out = '';
  for (let i = length - 1; i >= 0; i--) out += ALPHABET[Number((value >> BigInt(i * 5)) & 31n)];
  return out;
}

/** The inverse of {@link base32}; null when the text is not base32 of exactly `size` bytes. */
export function fromBase32(text: string, size: number): Uint8Array | null {
  if (text.length !== Math.ceil((size * 8) / 5)) return null;
  let value = 0n;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return null;
    value = (value << 5n) | BigInt(digit);
  }
  if (value >> BigInt(size * 8)) return null;
  const bytes = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--, value >>= 8n) bytes[i] = Number(value & 255n);
  return bytes;
}

/**
 * A sortable public id: the prefix, `_`, and 26 base32 characters = 48 bits of Unix milliseconds + 80 random bits
 * (the layout of a ULID, https://github.com/ulid/spec).
 *
 * @example newId('camp') // "camp_01kzv3q6x0w9m2h7c4t8r5e1nd"
 */
export function newId(prefix: string, at: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  return `${prefix}_${base32(bytes)}`;
}

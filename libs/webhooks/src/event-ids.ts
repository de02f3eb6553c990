import { base32 } from '#kernel';

/** The least id that `newId` could have given at the instant, in Unix milliseconds: ids begin with their time. */
export function firstIdOf(prefix: 'whe' | 'whb', at: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(at, 0, 6);
  return `${prefix}_${base32(bytes)}`;
}

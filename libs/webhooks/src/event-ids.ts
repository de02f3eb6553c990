import { base32 } from '#kernel';

/** The smallest id that `newId` can generate at an instant (Unix milliseconds): ids begin with their time. */
export function firstIdOf(prefix: 'whe' | 'whb', at: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(at, 0, 6);
  return `${prefix}_${base32(bytes)}`;
}

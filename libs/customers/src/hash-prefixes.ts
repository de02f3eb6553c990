/** Bytes kept of each hash: checking a million addresses against a million suppressed ones gives a false match once in twenty million times. */
export const PREFIX_BYTES = 8;

/** The prefixes of very many hashes, to ask whether a hash is among them. A Set of as many strings takes six times the memory. */
export class HashPrefixes {
  private readonly size: number;

  /** @param sorted the prefixes one after the other, in ascending order */
  constructor(private readonly sorted: Buffer) {
    this.size = sorted.length / PREFIX_BYTES;
  }

  /** @param hash one character per byte (`latin1`), at least {@link PREFIX_BYTES} of them */
  has(hash: string): boolean {
    const high = uint32(hash, 0);
    const low = uint32(hash, 4);
    let from = 0;
    for (let to = this.size; from < to; ) {
      const middle = (from + to) >>> 1;
      const found = this.sorted.readUInt32BE(middle * PREFIX_BYTES);
      if (found < high || (found === high && this.sorted.readUInt32BE(middle * PREFIX_BYTES + 4) < low)) from = middle + 1;
      else to = middle;
    }
    return from < this.size && this.sorted.readUInt32BE(from * PREFIX_BYTES) === high && this.sorted.readUInt32BE(from * PREFIX_BYTES + 4) === low;
  }
}

const uint32 = (hash: string, at: number): number =>
  ((hash.charCodeAt(at) << 24) | (hash.charCodeAt(at + 1) << 16) | (hash.charCodeAt(at + 2) << 8) | hash.charCodeAt(at + 3)) >>> 0;

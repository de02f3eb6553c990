import fc from 'fast-check';
import { HashPrefixes, PREFIX_BYTES } from './hash-prefixes.js';

/** Of few bytes, so that many begin alike. */
const hash = fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: PREFIX_BYTES, maxLength: PREFIX_BYTES + 2 }).map((bytes) => Buffer.from(bytes));
const prefixOf = (bytes: Buffer): Buffer => bytes.subarray(0, PREFIX_BYTES);

test('finds what is among them, and nothing else', () => {
  void fc.assert(
    fc.property(fc.array(hash), fc.array(hash), (kept, others) => {
      const prefixes = new HashPrefixes(Buffer.concat(kept.map(prefixOf).sort(Buffer.compare)));
      for (const asked of [...kept, ...others]) expect(prefixes.has(asked.toString('latin1'))).toBe(kept.some((one) => prefixOf(one).equals(prefixOf(asked))));
    }),
  );
});

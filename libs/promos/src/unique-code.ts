import { PROMO_CODE_LENGTH } from './promo-code.js';

/** Crockford's base32, which has no I, L, O or U: nobody mistakes a letter for a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Of a random UUID, bytes whose low five bits are random; its version and variant stand in the others. Twelve of them are 60 bits. */
const RANDOM_BYTES = [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14];

/** How much of the promo's own code a unique one begins with. */
const PREFIX = PROMO_CODE_LENGTH - RANDOM_BYTES.length - 1;

/** SQL of a code that only who gets it knows, begun like the promo's own. `bits` is a random UUID as bytea; PostgreSQL makes it of its strong random numbers. */
export const uniqueCodeSql = (promoCode: string, bits: string): string =>
  `rtrim(left(${promoCode}, ${PREFIX}), '-_') || '-' || ${RANDOM_BYTES.map((at) => `substr('${ALPHABET}', (get_byte(${bits}, ${at}) & 31) + 1, 1)`).join(' || ')}`;

/** Looks like one and is as long; no code can have its asterisks, so no till takes it. */
export const sampleCode = (promoCode: string): string => `${promoCode.slice(0, PREFIX).replace(/[-_]+$/, '')}-*SAMPLECODE*`;

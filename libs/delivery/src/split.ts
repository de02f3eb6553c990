import { createHash } from 'node:crypto';

/**
 * The customer's place in the campaign's draw, from 0 to just below 1: the same each time it is asked for, evenly spread, and of another campaign
 * or for another purpose another one.
 *
 * @param purpose what is drawn for, so that one draw says nothing of the next
 */
export function placeOf(purpose: string, campaignId: string, customerNo: number): number {
  return createHash('sha256').update(`${purpose}/${campaignId}/${customerNo}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * The same place in SQL.
 *
 * @param purpose a word of ours
 * @param campaignId SQL, as is the number
 */
export const placeSql = (purpose: string, campaignId: string, customerNo: string): string =>
  `(('x' || substr(encode(sha256(convert_to('${purpose}/' || ${campaignId}::text || '/' || ${customerNo}, 'UTF8')), 'hex'), 1, 12))::bit(48)::bigint / 281474976710656.0::float8)`;

import { createHash } from 'node:crypto';
import type { MailingOptions } from './options.js';

/**
 * The customer's place in the campaign's draw, from 0 to just below 1: the same each time it is asked for, evenly spread, and of another campaign
 * or for another purpose another one.
 *
 * @param purpose what is drawn for, so that one draw says nothing of the next
 */
export function placeOf(purpose: string, campaignId: string, customerNo: number): number {
  return createHash('sha256').update(`${purpose}/${campaignId}/${customerNo}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** Whether the customer was drawn for the campaign's control group: on every channel or on none. */
export const isHeldOut = (campaignId: string, customerNo: number, { holdout_percent = 0 }: MailingOptions): boolean =>
  holdout_percent > 0 && placeOf('holdout', campaignId, customerNo) * 100 < holdout_percent;

/**
 * The same place in SQL.
 *
 * @param purpose a word of ours
 * @param campaignId SQL, as is the number
 */
export const placeSql = (purpose: string, campaignId: string, customerNo: string): string =>
  `(('x' || substr(encode(sha256(convert_to('${purpose}/' || ${campaignId}::text || '/' || ${customerNo}, 'UTF8')), 'hex'), 1, 12))::bit(48)::bigint / 281474976710656.0::float8)`;

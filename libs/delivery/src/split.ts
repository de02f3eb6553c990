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

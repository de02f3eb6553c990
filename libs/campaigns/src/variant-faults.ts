import type { Fault } from '#kernel';
import type { CampaignEntity } from './campaign.entity.js';

/** Faults of the variants and their test, apart from their content. */
export function variantFaults({ startAt, endAt, options: { variants = [], ab_test, delivery_mode, local_time } }: CampaignEntity): Fault[] {
  const ids = variants.map(({ id }) => id);
  const faults: Fault[] = ids.flatMap((id, at) => (ids.indexOf(id) === at ? [] : [{ pointer: `/variants/${at}/id`, code: 'duplicate', detail: `Another variant is called ${id}.` }]));
  if (ab_test === undefined) return faults;
  const wrong = (pointer: string, code: string, detail: string): void => void faults.push({ pointer, code, detail });
  if (variants.length === 0) wrong('/ab_test', 'variants_missing', 'A test needs the variants that it compares.');
  if (delivery_mode === 'continuous') wrong('/ab_test', 'not_continuous', 'A continuous campaign has no rest to send the winner to: its variants go by weight for as long as it runs.');
  if (local_time) wrong('/ab_test', 'not_local_time', 'Whoever waits for the winner cannot be written to at a time of their own; a send_window tells at which hours.');
  if (startAt !== null && endAt !== null && waits(ab_test) >= endAt.getTime() - startAt.getTime()) {
    wrong('/ab_test/wait_minutes', 'after_end', 'The campaign would be over before the winner is known.');
  }
  return faults;
}

const waits = ({ wait_minutes }: { wait_minutes: number }): number => wait_minutes * 60_000;

/** Whether a campaign that starts now is over before its test is. */
export const endsBeforeWinner = ({ endAt, options: { ab_test } }: CampaignEntity, now: Date): boolean => ab_test !== undefined && endAt !== null && waits(ab_test) >= endAt.getTime() - now.getTime();

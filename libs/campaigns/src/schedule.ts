/** When a campaign runs, and what is said about it. Pure. */
import { FIRST_ZONE, firstAt, localDateTime } from '#kernel';
import type { PromoValidity } from '#promos';
import type { CampaignWarning } from './campaign.js';

export interface Schedule {
  startAt: Date | null;
  endAt: Date | null;
}

/** A start this much in the past was missed (no worker ran): it is told, not made up for. Milliseconds. */
export const OVERDUE = 15 * 60_000;

export const WARNINGS = {
  schedule_in_past: 'The start date is in the past, so the campaign stays a draft: schedule it anew, or start it.',
  schedule_missed: 'Nothing could start the campaign at its time, and more than 15 minutes have passed: schedule it anew, or start it.',
  local_time_passed: 'By the clocks of some recipients the start is over: those are skipped. Schedule it 26 hours ahead to reach everybody.',
  content_missing: 'The content lacks what its channels need, so the campaign stays a draft until it is complete and scheduled.',
} as const;

export const warning = (code: keyof typeof WARNINGS): CampaignWarning => ({ code, detail: WARNINGS[code] });

/**
 * What a written campaign becomes: scheduled when it is meant to be, has a future start and all its content; else a draft, and why.
 *
 * @param complete whether the content has what the channels need
 * @param wanted whether it is meant to be scheduled
 */
export function stateOf({ startAt }: Schedule, complete: boolean, wanted: boolean, now: Date): { status: 'draft' | 'scheduled'; warnings: CampaignWarning[] } {
  if (startAt === null) return { status: 'draft', warnings: [] };
  if (startAt <= now) return { status: 'draft', warnings: [warning('schedule_in_past')] };
  if (!wanted) return { status: 'draft', warnings: [] };
  if (!complete) return { status: 'draft', warnings: [warning('content_missing')] };
  return { status: 'scheduled', warnings: [] };
}

/** Why the code that a campaign announces could be refused while the campaign runs, or null. Without an end, that is at its start; without a start, now. */
export function promoWarning({ startAt, endAt }: Schedule, { code, status, validFrom, validUntil }: PromoValidity, now: Date): CampaignWarning | null {
  const [from, until] = [startAt ?? now, endAt ?? startAt ?? now];
  const warn = (detail: string): CampaignWarning => ({ code: 'promo_not_valid', detail: `Promo code ${code} ${detail}` });
  if (status !== 'active') return warn(`is ${status}.`);
  if (startAt !== null && validFrom !== null && validFrom > from) return warn(`begins ${validFrom.toISOString()}, later than the campaign.`);
  if (validUntil !== null && (validUntil < until || validUntil <= from)) return warn(`ends ${validUntil.toISOString()}, earlier than the campaign.`);
  return null;
}

interface LocalSchedule extends Schedule {
  options: { local_time?: boolean };
}

/** What the tenant's clock shows at the start. */
export const wallClock = ({ startAt }: Schedule, timezone: string): string => localDateTime(startAt!, timezone);

/** When a worker is to start the scheduled campaign: at its start, or when the first zone on earth has that time. */
export const firstStart = (campaign: LocalSchedule, timezone: string): Date => (campaign.options.local_time ? firstAt(wallClock(campaign, timezone), FIRST_ZONE) : campaign.startAt!);

/** What a booked start depends on. */
export const bookingOf = ({ startAt, options }: LocalSchedule): string => `${startAt?.toISOString()} ${options.local_time ? 'local' : ''}`;

/** Whether an end, if any, comes after the start, if any. */
export const endsAfterStart = ({ startAt, endAt }: Schedule): boolean => startAt === null || endAt === null || endAt > startAt;

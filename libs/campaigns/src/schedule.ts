/** When a campaign runs, and the warnings about it. Pure. */
import { FIRST_ZONE, firstAt, localDateTime } from '#kernel';
import type { PromoValidity } from '#promos';
import type { CampaignWarning } from './campaign.js';

export interface Schedule {
  startAt: Date | null;
  endAt: Date | null;
}

/** A start this far in the past was missed, since no worker ran: there is a warning, and the campaign does not start. Milliseconds. */
export const OVERDUE = 15 * 60_000;

export const WARNINGS = {
  schedule_in_past: 'The start date is in the past, so the campaign stays a draft: schedule it again, or start it.',
  schedule_missed: 'Nothing could start the campaign at its time, and more than 15 minutes have passed: schedule it again, or start it.',
  local_time_passed: 'For some recipients the start has already passed by their own clock: they are skipped. Schedule it 26 hours ahead to reach everybody.',
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

/** Why the campaign's promo code could be refused while the campaign runs, or null. A campaign without an end is checked at its start, one without a start now. */
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

/** The time that the tenant's clock shows at the start. */
export const wallClock = ({ startAt }: Schedule, timezone: string): string => localDateTime(startAt!, timezone);

/** When a worker must start the scheduled campaign: at its start, or when the first zone on earth reaches that time. */
export const firstStart = (campaign: LocalSchedule, timezone: string): Date => (campaign.options.local_time ? firstAt(wallClock(campaign, timezone), FIRST_ZONE) : campaign.startAt!);

/** What a queued start depends on. */
export const bookingOf = ({ startAt, options }: LocalSchedule): string => `${startAt?.toISOString()} ${options.local_time ? 'local' : ''}`;

/** Whether an end, if any, comes after the start, if any. */
export const endsAfterStart = ({ startAt, endAt }: Schedule): boolean => startAt === null || endAt === null || endAt > startAt;

import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { addDays, Clock, daysBetween, localDay, type Tenant, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import type { SegmentDayDto, SegmentHistoryDto, SegmentHistoryQueryDto } from './dto/segment-history.dto.js';
import { HISTORY } from './segment-sizes.queries.js';
import { SegmentError } from './segment.errors.js';
import type { SegmentRow } from './segment.js';
import { FIND } from './segments.queries.js';

/** How many days when none are asked for, and at most. */
const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

/** How a segment grew. */
@Injectable()
export class SegmentHistory {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly clock: Clock,
  ) {}

  /** A row a day, from the day the segment was made at the earliest, to today at the latest. */
  async byDay(tenant: Tenant, segmentId: string, query: SegmentHistoryQueryDto): Promise<SegmentHistoryDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const { timezone } = await this.settings.of(tx, tenant);
      const today = localDay(this.clock.now(), timezone);
      const { from, to } = period(query, today);
      const [segment] = await tx.query<SegmentRow[]>(FIND, [tenant.id, segmentId]);
      if (segment === undefined) throw new SegmentError('segment_not_found');
      const [first, last] = [later(from, localDay(segment.created_at, timezone)), to < today ? to : today];
      return { data: everyDay(await tx.query<SegmentDayDto[]>(HISTORY, [tenant.id, segment.segment_no, first, last]), first, last) };
    });
  }
}

/** @throws RequestError validation_failed when it ends before it starts, or is too long */
function period(query: SegmentHistoryQueryDto, today: string): { from: string; to: string } {
  const to = query.to ?? today;
  const from = query.from ?? addDays(to, 1 - DEFAULT_DAYS);
  const days = daysBetween(from, to) + 1;
  if (days < 1) throw validationFailed([{ parameter: query.to === undefined ? 'from' : 'to', code: 'reversed', detail: `The period ends (${to}) before it starts (${from}).` }]);
  if (days > MAX_DAYS) throw validationFailed([{ parameter: 'from', code: 'period_too_long', detail: `A period may have ${MAX_DAYS} days; this one has ${days}.` }]);
  return { from, to };
}

const later = (a: string, b: string): string => (a > b ? a : b);

/** Fills the days on which nothing changed: the size stays, nobody moves. */
function everyDay(changes: readonly SegmentDayDto[], first: string, last: string): SegmentDayDto[] {
  const byDay = new Map(changes.map((change) => [change.date, change]));
  let size = changes[0] !== undefined && changes[0].date < first ? changes[0].size : 0;
  return Array.from({ length: Math.max(0, daysBetween(first, last) + 1) }, (_, offset) => {
    const date = addDays(first, offset);
    const change = byDay.get(date) ?? { date, size, entered: 0, exited: 0 };
    size = change.size;
    return change;
  });
}

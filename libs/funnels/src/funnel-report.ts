import type { Stage } from '#events';
import { percentage } from '#kernel';
import type { FunnelStageDto } from './dto/funnel.dto.js';
import type { StageCount } from './funnel.queries.js';

/** Turns counts into the figures of the report. Each is rounded once, from the counts: `drop_off` is not the difference of two rounded percentages. */
export function reportStages(stages: readonly Stage[], counts: readonly StageCount[]): FunnelStageDto[] {
  const entered = counts[0]?.customers ?? 0;
  return stages.map((stage, index) => {
    const { customers, median_seconds } = counts[index]!;
    const shown = { stage, count: customers, percentage: percentage(customers, entered) };
    if (index === 0) return shown;
    return {
      ...shown,
      drop_off: percentage(counts[index - 1]!.customers - customers, entered),
      median_seconds_from_previous: median_seconds === null ? null : Math.round(median_seconds),
    };
  });
}

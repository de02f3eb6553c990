import type { Channel } from '#tenants';
import { toDecimal } from '#kernel';
import type { CampaignReportDto, ReportDayDto, ReportIntervalDto, ReportLeaderDto, ReportLiftDto, ReportNumbersDto, ReportPartyDto, ReportRateDto, ReportVariantDto } from './dto/report.dto.js';
import { AB_METRICS, type Variant } from './options.js';
import { difference, differ, type Interval, isAhead, leaderOf, rateOf, type Share, wilson } from './proportions.js';
import { COUNTS, type Count, type Counts, DAILY, type Daily } from './report.queries.js';

/** What a report is made of; see report.queries. */
export interface Material {
  totals: Counts & { revenue: number };
  variants: (Counts & { variant: string | null; sampled: boolean })[];
  /** By the place of the day in `dates`, from 1. */
  days: (Record<Daily, number> & { day: number })[];
  /** `YYYY-MM-DD`, oldest first; what happened before them has the place 0. */
  dates: string[];
  channels: (Counts & { channel: Channel })[];
  revenue: { channel: Channel | null; variant: string | null; day: number; revenue: number }[];
}

export interface LiftCounts {
  treated: number;
  control: number;
  treated_converted: number;
  control_converted: number;
}

/** Percent with two decimals. */
const percent = (part: number): number => Math.round(part * 10_000) / 100;
const bounds = ({ low, high }: Interval): ReportIntervalDto => ({ low: percent(low), high: percent(high) });

/** Orders may be attributed to whoever got nothing; of those it was delivered to, no more than all do anything. */
const share = (of: number, hits: number): Share => ({ of, hits: Math.min(of, hits) });
const rate = (one: Share): ReportRateDto => ({ rate: one.of === 0 ? null : percent(rateOf(one)), interval: bounds(wilson(one)) });

export function numbers(counts: Counts, revenue: number, currency: string): ReportNumbersDto {
  const { delivered, opened, clicked, converted } = counts;
  return {
    ...(Object.fromEntries(COUNTS.map((count) => [count, counts[count]])) as Counts),
    revenue_attributed: toDecimal(revenue, currency),
    open_rate: rate(share(delivered, opened)),
    click_rate: rate(share(delivered, clicked)),
    conversion_rate: rate(share(delivered, converted)),
  };
}

export const NOTHING: Counts = Object.fromEntries(COUNTS.map((count) => [count, 0])) as Counts;

export const add = (all: readonly Counts[]): Counts => Object.fromEntries(COUNTS.map((count: Count) => [count, all.reduce((sum, one) => sum + one[count], 0)])) as Counts;

/** @param channels of the campaign, in its order; @param variants likewise */
export function reportOf(material: Material, channels: readonly Channel[], variants: readonly Variant[], currency: string): Pick<CampaignReportDto, 'totals' | 'per_channel' | 'per_day' | 'per_variant' | 'leaders'> {
  const earned = (of: (row: Material['revenue'][number]) => boolean): number => material.revenue.reduce((sum, row) => (of(row) ? sum + row.revenue : sum), 0);
  const variantCounts = (id: string, sampled: boolean): Counts => add(material.variants.filter((row) => row.variant === id && (row.sampled || !sampled)));
  return {
    totals: numbers(material.totals, material.totals.revenue, currency),
    per_channel: channels.map((channel) => ({ channel, ...numbers(material.channels.find((row) => row.channel === channel) ?? NOTHING, earned((row) => row.channel === channel), currency) })),
    per_day: days(material, earned, currency),
    per_variant: variants.map(({ id, weight }): ReportVariantDto => ({ variant: id, weight, ...numbers(variantCounts(id, false), earned((row) => row.variant === id), currency) })),
    leaders: variants.length === 0 ? [] : leaders(variants.map(({ id }) => ({ variant: id, counts: variantCounts(id, true) }))),
  };
}

/** Days on which there was only revenue are told, too: an order's day is not its conversion's when it is the customer's second. */
function days({ days: counted, dates, revenue }: Material, earned: (of: (row: Material['revenue'][number]) => boolean) => number, currency: string): ReportDayDto[] {
  const known = new Map(counted.map((one) => [one.day, one]));
  const all = new Set([...known.keys(), ...revenue.map(({ day }) => day)]);
  return dates.flatMap((date, at) => (all.has(at + 1) ? [{ date, day: at + 1 }] : [])).map(({ date, day }) => ({
    date,
    ...(Object.fromEntries(DAILY.map((name) => [name, known.get(day)?.[name] ?? 0])) as Record<Daily, number>),
    revenue_attributed: toDecimal(earned((row) => row.day === day), currency),
  }));
}

function leaders(variants: readonly { variant: string; counts: Counts }[]): ReportLeaderDto[] {
  return AB_METRICS.map((metric) => {
    const shares = variants.map(({ variant, counts }) => ({ variant, ...share(counts.delivered, counts[metric]) }));
    const leader = leaderOf(shares);
    return { metric, variant: leader.hits === 0 ? null : leader.variant, verdict: isAhead(leader, shares) ? 'enough' : 'not_enough_data' };
  });
}

export function liftOf(counts: LiftCounts, windowDays: number): ReportLiftDto {
  const [treated, control] = [share(counts.treated, counts.treated_converted), share(counts.control, counts.control_converted)];
  const party = (one: Share): ReportPartyDto => ({ customers: one.of, converted: one.hits, ...rate(one) });
  const base = rateOf(control);
  return {
    window_days: windowDays,
    treated: party(treated),
    control: party(control),
    lift_percent: base === 0 ? null : Math.round((rateOf(treated) / base - 1) * 1_000) / 10,
    interval: bounds(difference(treated, control)),
    verdict: differ(treated, control) ? 'enough' : 'not_enough_data',
  };
}

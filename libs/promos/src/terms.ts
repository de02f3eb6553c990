import { type Fault, mergePatch, toMinor } from '#kernel';
import type { PromoTermsDto } from './dto/create-promo.dto.js';
import type { AppliesTo, PromoType, Terms } from './promo.entity.js';
import type { Schedule } from './schedule.js';

const DEFAULTS: Terms = {
  value: null, minOrderAmount: null, maxDiscount: null, usageLimit: null, perCustomerLimit: null, budget: null,
  validFrom: null, validUntil: null, appliesTo: { all_items: true }, schedule: null, segmentId: null,
  firstOrderOnly: false, uniqueCodesOnly: false, stackable: false, priority: 0,
};

type Complain = (member: string, code: string, detail: string) => void;

/**
 * The terms that a request asks for, over those that stood (`changed`, of a promo that exists): members left out stay, null falls back to the
 * default, `applies_to` and `schedule` are merged member by member. Money becomes
 * minor units, a percentage basis points. What no single member shows is checked here, with pointers.
 */
export function readTerms(type: PromoType, dto: PromoTermsDto, currency: string, changed?: Terms): { terms: Terms; faults: Fault[] } {
  const standing = changed ?? DEFAULTS;
  const faults: Fault[] = [];
  const complain: Complain = (member, code, detail) => void faults.push({ pointer: `/${member}`, code, detail });
  const money = (member: 'value' | 'min_order_amount' | 'max_discount' | 'budget', kept: number | null): number | null =>
    merged(dto[member], kept, null, (amount) => {
      const minor = toMinor(amount, currency);
      if (minor === null) complain(member, 'decimals', `${member} is too large, or has more decimals than ${currency}`);
      return minor ?? 0;
    });
  const terms: Terms = {
    value: type === 'percentage' ? merged(dto.value, standing.value, null, (percent) => basisPoints(percent, complain)) : money('value', standing.value),
    minOrderAmount: money('min_order_amount', standing.minOrderAmount),
    maxDiscount: money('max_discount', standing.maxDiscount),
    usageLimit: merged(dto.usage_limit, standing.usageLimit, null),
    perCustomerLimit: merged(dto.per_customer_limit, standing.perCustomerLimit, null),
    budget: money('budget', standing.budget),
    validFrom: merged(dto.valid_from, standing.validFrom, null, toDate),
    validUntil: merged(dto.valid_until, standing.validUntil, null, toDate),
    appliesTo: merged(dto.applies_to, standing.appliesTo, DEFAULTS.appliesTo, (patch) => mergePatch<AppliesTo>(changed?.appliesTo ?? null, patch)),
    schedule: merged(dto.schedule, standing.schedule, null, (patch) => mergePatch<Schedule>(standing.schedule, patch)),
    segmentId: merged(dto.customer_segment_id, standing.segmentId, null),
    firstOrderOnly: merged(dto.first_order_only, standing.firstOrderOnly, false),
    uniqueCodesOnly: merged(dto.unique_codes_only, standing.uniqueCodesOnly, false),
    stackable: merged(dto.stackable, standing.stackable, false),
    priority: merged(dto.priority, standing.priority, 0),
  };
  checkValue(type, terms, complain);
  checkValidity(terms, complain);
  checkScope(terms, complain);
  return { terms, faults };
}

/** Whether any of the terms is an amount of money, which fixes the tenant's currency. */
export const holdsMoney = (type: PromoType, terms: Terms): boolean =>
  type === 'fixed_amount' || [terms.minOrderAmount, terms.maxDiscount, terms.budget].some((amount) => amount !== null);

/** One member of a merge patch (RFC 7396). */
const merged = <T, V>(value: T | null | undefined, kept: V, cleared: V, read: (value: T) => V = (same) => same as unknown as V): V =>
  value === undefined ? kept : value === null ? cleared : read(value);

const toDate = (instant: string): Date => new Date(instant.toUpperCase());

function basisPoints(percent: number, complain: Complain): number {
  const points = Math.round(percent * 100);
  if (points / 100 !== percent) complain('value', 'decimals', 'a percentage has at most two decimals');
  return points;
}

function checkValue(type: PromoType, { value }: Terms, complain: Complain): void {
  if (type === 'free_delivery' && value !== null) complain('value', 'not_applicable', 'free_delivery has no value');
  if (type !== 'free_delivery' && value === null) complain('value', 'required', `${type} needs a value`);
  if (type === 'percentage' && value !== null && value > 10_000) complain('value', 'max', 'a percentage is at most 100');
}

function checkValidity({ validFrom, validUntil }: Terms, complain: Complain): void {
  if (validFrom !== null && validUntil !== null && validUntil <= validFrom) complain('valid_until', 'after_valid_from', 'valid_until must be after valid_from');
}

function checkScope({ appliesTo, schedule }: Terms, complain: Complain): void {
  const { all_items, item_ids, category_ids } = appliesTo;
  if (Object.keys(appliesTo).length === 0) complain('applies_to', 'required', 'applies_to must name something, such as {"all_items": true}');
  if (all_items && (item_ids ?? category_ids) !== undefined) complain('applies_to/all_items', 'exclusive', 'all_items excludes item_ids and category_ids');
  if (schedule === null) return;
  const { days, from, to } = schedule;
  if ((from === undefined) !== (to === undefined)) complain('schedule', 'incomplete', 'from and to go together');
  else if (from !== undefined && from === to) complain('schedule/to', 'empty', 'from and to must differ');
  else if (from === undefined && days === undefined) complain('schedule', 'required', 'schedule must name days, or from and to');
}

import type { Figure } from './bench.js';

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const UNITS = {
  x: (value: number): string => `${value.toFixed(2)} x`,
  ms: (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`,
  s: (value: number): string => `${value.toFixed(1)} s`,
  '/s': (value: number): string => `${value.toFixed(0)}/s`,
  MB: (value: number): string => `${value.toFixed(0)} MB`,
} as const;

type Unit = keyof typeof UNITS;

const figure = (title: string, values: readonly number[], unit: Unit, sign: string, limit: number, passed: (value: number) => boolean): Figure => {
  const show = UNITS[unit];
  const rounds = values.length > 1 ? `${show(Math.min(...values))} – ${show(Math.max(...values))}` : undefined;
  return { title, measured: show(median(values)), bar: `${sign} ${show(limit)}`, passed: passed(median(values)), rounds };
};

/** The median of the values may not pass the limit. */
export const atMost = (title: string, values: readonly number[], limit: number, unit: Unit): Figure => figure(title, values, unit, '≤', limit, (value) => value <= limit);

/** The median of the values may not stay below the limit. */
export const atLeast = (title: string, values: readonly number[], limit: number, unit: Unit): Figure => figure(title, values, unit, '≥', limit, (value) => value >= limit);

export const reported = (title: string, measured: string): Figure => ({ title, measured, bar: null, passed: true });

/** Milliseconds that the work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

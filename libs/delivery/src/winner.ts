import type { Variant } from './options.js';
import { beats, leaderOf, type Share } from './proportions.js';

/** `best`: it had the highest rate. `tie`: so had others, of which it is listed first. `not_enough_data`: nobody did what the test goes by, and it is the first of all. */
export const WINNER_REASONS = ['best', 'tie', 'not_enough_data'] as const;
export type WinnerReason = (typeof WINNER_REASONS)[number];

/** The result of one variant. */
export interface Standing extends Share {
  variant: string;
}

/** The state of a test, stored with its mailing. Instants as ISO 8601. */
export interface TestState {
  sample_sent_at?: string;
  decides_at?: string;
  winner?: string;
  decided_at?: string;
  reason?: WinnerReason;
  /** The results that decided it. */
  standings?: Standing[];
}

/** In the order of the variants, including those without results. */
export const standingsOf = (variants: readonly Variant[], measured: readonly Standing[]): Standing[] =>
  variants.map(({ id }) => measured.find(({ variant }) => variant === id) ?? { variant: id, of: 0, hits: 0 });

/** Deterministic: the same numbers always give the same winner. */
export function winnerOf(standings: readonly Standing[]): { winner: string; reason: WinnerReason } {
  const leader = leaderOf(standings);
  const rivals = standings.filter((one) => one !== leader && !beats(leader, one));
  const reason = standings.every(({ hits }) => hits === 0) ? 'not_enough_data' : rivals.length > 0 ? 'tie' : 'best';
  return { winner: leader.variant, reason };
}

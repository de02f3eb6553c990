import type { Figure } from '#test/bench/bench';
import type { Account, LedgerRow } from './account.js';

const shown = (count: number): string => count.toLocaleString('en');

/** A count that must be nothing else. */
export const exactly = (title: string, count: number, wanted: number): Figure => ({ title, measured: shown(count), bar: shown(wanted), passed: count === wanted });

export const noMoreThan = (title: string, count: number, limit: number): Figure => ({ title, measured: shown(count), bar: `≤ ${shown(limit)}`, passed: count <= limit });

export const noLessThan = (title: string, count: number, limit: number): Figure => ({ title, measured: shown(count), bar: `≥ ${shown(limit)}`, passed: count >= limit });

export const countOf = (rows: readonly LedgerRow[], ...statuses: string[]): number => rows.filter(({ status }) => statuses.includes(status)).length;

/** Holds the ledger against what the provider took: nobody twice, everybody accounted for, and each as it was. */
export async function* audit(name: string, account: Account, campaignId: string, taken: readonly string[], { audience, by = 'email' }: { audience: number; by?: 'email' | 'phone' }): AsyncGenerator<Figure, LedgerRow[]> {
  const rows = await account.ledger(campaignId);
  const once = new Set(taken);
  yield exactly(`${name}: who got it twice`, taken.length - once.size, 0);
  yield exactly(`${name}: rows that are accepted, rejected, skipped or unknown`, countOf(rows, 'accepted', 'rejected', 'skipped', 'unknown'), audience);
  const untrue = rows.filter((row) => (row.status === 'accepted' ? !once.has(row[by]) : row.status !== 'unknown' && once.has(row[by])));
  yield exactly(`${name}: rows that say otherwise than the provider`, untrue.length, 0);
  return rows;
}

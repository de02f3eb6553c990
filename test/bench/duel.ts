import autocannon, { type Result } from 'autocannon';
import type { Figure, Load } from './bench.js';
import { atLeast } from './figures.js';

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = 4;
const ROUNDS = 5;

/** Two servers that do the same thing, ours and a bare one, and how far ours may fall behind. */
export interface Duel {
  title: string;
  /** Least ratio of requests per second, ours ÷ bare. */
  bar: number;
  ours: Load;
  bare: Load;
}

/**
 * Loads both sides in turn, A B A B …: what the machine does besides then falls on both. The figure is the median of the
 * rounds' ratios; times alone would say more about the machine than about us.
 */
export async function fight({ title, bar, ours, bare }: Duel): Promise<Figure> {
  for (const side of [ours, bare]) {
    await assertAnswered(side);
    await load(side, { duration: WARM_UP_SECONDS });
  }
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [our, their] = [await load(ours, { duration: ROUND_SECONDS }), await load(bare, { duration: ROUND_SECONDS })];
    ratios.push(our.requests.average / their.requests.average);
  }
  return atLeast(`${title}: requests per second, ours ÷ bare`, ratios, bar, 'x');
}

/** @throws with the answer itself, when it is a refusal */
async function assertAnswered({ url, ...request }: Load): Promise<void> {
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

/** @throws when a request failed or was refused: a fast error is no answer */
export async function load(target: Load, options: Partial<autocannon.Options>): Promise<Result> {
  const result = await autocannon({ connections: CONNECTIONS, ...options, ...target });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${target.url}: ${result.non2xx} answers were not 2xx, ${result.errors} requests failed`);
  return result;
}

import autocannon from 'autocannon';
import type { Duel, Load } from './bench.js';

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = 4;
const ROUNDS = 5;

export interface Result {
  title: string;
  bar: number;
  /** Ours ÷ bare, of requests per second: one a round. */
  ratios: number[];
  ratio: number;
  passed: boolean;
}

/**
 * Loads both sides in turn, A B A B …: what the machine does besides then falls on both. The figure is the median of the
 * rounds' ratios; times alone would say more about the machine than about us.
 */
export async function fight({ title, bar, ours, bare }: Duel): Promise<Result> {
  for (const side of [ours, bare]) {
    await assertAnswered(side);
    await requestsPerSecond(side, WARM_UP_SECONDS);
  }
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const our = await requestsPerSecond(ours, ROUND_SECONDS);
    ratios.push(our / (await requestsPerSecond(bare, ROUND_SECONDS)));
  }
  const ratio = median(ratios);
  return { title, bar, ratios, ratio, passed: ratio >= bar };
}

/** @throws with the answer itself, when it is a refusal */
async function assertAnswered({ url, ...request }: Load): Promise<void> {
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

/** @throws when a request failed or was refused: a fast error is no answer */
async function requestsPerSecond(load: Load, seconds: number): Promise<number> {
  const result = await autocannon({ ...load, connections: CONNECTIONS, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${load.url}: ${result.non2xx} answers were not 2xx, ${result.errors} requests failed`);
  return result.requests.average;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

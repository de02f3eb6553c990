import type { Bench, Figure } from './bench.js';
import { load } from './duel.js';
import { atMost, timed } from './figures.js';

/** The text of criteria that ask too much. As text, for no serialiser would make some of them. */
const HOSTILE: Readonly<Record<string, string>> = {
  'nested 10,000 deep': `${'{"not":'.repeat(10_000)}{"city":"Rome"}${'}'.repeat(10_000)}`,
  'nested 18 deep, as JSON may be': `${'{"all":['.repeat(9)}{"city":"Rome"}${']}'.repeat(9)}`,
  '2,000 conditions, the most that a body may hold': `{"any":[${Array.from({ length: 2000 }, (_, i) => `{"city":"Rome ${i}"}`).join()}]}`,
  '20,000 conditions': `{"any":[${Array.from({ length: 20_000 }, (_, i) => `{"city":"Rome ${i}"}`).join()}]}`,
  '100,000 values': `{"city":{"in":[${Array.from({ length: 100_000 }, (_, i) => i).join()}]}}`,
  '50,000 unknown fields': `{${Array.from({ length: 50_000 }, (_, i) => `"f${i}":1`).join()}}`,
  '5,000 unknown fields': `{${Array.from({ length: 5000 }, (_, i) => `"f${i}":1`).join()}}`,
  'one text of 900 KB': `{"city":"${'x'.repeat(900_000)}"}`,
  'the prototype': `{"__proto__":{"city":"Rome"},"constructor":{"prototype":{"x":1}}}`,
};

/** How long a refusal takes, and what those beside it feel. */
export async function* hostileCriteria({ api, token }: Bench): AsyncGenerator<Figure> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const url = `${api.url}/api/v1/marketing/segments/preview`;
  /** The status of the answer; what is too large may be hung up on while it is still being sent. */
  const send = async (criteria: string): Promise<number> => {
    const response = await fetch(url, { method: 'POST', headers, body: `{"criteria":${criteria}}` }).catch(() => null);
    await response?.text();
    return response?.status ?? 413;
  };
  for (const [what, criteria] of Object.entries(HOSTILE)) {
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      times.push(await timed(async () => {
        const status = await send(criteria);
        if (status !== 400 && status !== 413) throw new Error(`${what}: ${status}`);
      }));
    }
    yield atMost(`criteria refused: ${what}`, times, 50, 'ms');
  }
  const bystander = { url: `${api.url}/api/v1/marketing/segments?limit=20`, headers: { authorization: `Bearer ${token}` } };
  const p99 = async (): Promise<number> => (await load(bystander, { connections: 8, duration: 4 })).latency.p99;
  const ratios: number[] = [];
  await p99();
  for (let round = 0; round < 5; round++) {
    const alone = await p99();
    let attacking = true;
    const attack = (async (): Promise<void> => {
      for (let n = 0; attacking; n++) await send(Object.values(HOSTILE)[n % Object.keys(HOSTILE).length]!);
    })();
    ratios.push((await p99()) / alone);
    attacking = false;
    await attack;
  }
  yield atMost('p99 of GET /segments while hostile criteria come without a pause ÷ without them', ratios, 2, 'x');
}

/** `npm run bench [-- name …]`: holds our speed against bare baselines on the machine it runs on. Exits with 1 when a bar is missed. */
import { openArena } from './arena.js';
import type { Scenario } from './bench.js';
import { campaignsCreate } from './campaigns-create.js';
import { campaignsList } from './campaigns-list.js';
import { fight, type Result } from './duel.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = { 'campaigns-list': campaignsList, 'campaigns-create': campaignsCreate };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}; there are: ${Object.keys(SCENARIOS).join(', ')}`);
  process.exit(2);
}

const results: Result[] = [];
const arena = await openArena();
try {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`${name} …`);
    results.push(await fight(await scenario(arena)));
  }
} finally {
  await arena.close();
}
const figure = (ratio: number): string => `${ratio.toFixed(2)} x`;
console.table(
  Object.fromEntries(
    results.map(({ title, bar, ratio, ratios, passed }) => [
      title,
      { 'ours ÷ bare': figure(ratio), rounds: `${figure(Math.min(...ratios))} – ${figure(Math.max(...ratios))}`, bar: `≥ ${figure(bar)}`, '': passed ? 'pass' : 'miss' },
    ]),
  ),
);
process.exitCode = results.every((result) => result.passed) ? 0 : 1;

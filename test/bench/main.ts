/** `npm run bench [-- name …]`: holds our speed against bare baselines on the machine it runs on. Exits with 1 when a bar is missed. */
import { openArena } from './arena.js';
import type { Figure, Scenario } from './bench.js';
import { campaignsCreate } from './campaigns-create.js';
import { campaignsList } from './campaigns-list.js';
import { deliveryAudience } from './delivery-audience.js';
import { deliverySending } from './delivery-sending.js';
import { hostileCriteria } from './hostile-criteria.js';
import { importing } from './import.js';
import { segments } from './segments.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'campaigns-list': campaignsList, 'campaigns-create': campaignsCreate, 'hostile-criteria': hostileCriteria, segments, import: importing, 'delivery-audience': deliveryAudience, 'delivery-sending': deliverySending,
};
/** `delivery` names all whose names begin so. */
const isNamed = (name: string, by: string): boolean => name === by || name.startsWith(`${by}-`);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((by) => !Object.keys(SCENARIOS).some((name) => isNamed(name, by)));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}; there are: ${Object.keys(SCENARIOS).join(', ')}`);
  process.exit(2);
}

const figures: Figure[] = [];
const arena = await openArena();
try {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (wanted.length > 0 && !wanted.some((by) => isNamed(name, by))) continue;
    console.log(`${name} …`);
    for await (const figure of scenario(arena)) {
      figures.push(figure);
      console.log(`  ${figure.title}: ${figure.measured}`);
    }
  }
} finally {
  await arena.close();
}
const verdict = ({ bar, passed }: Figure): string => (bar === null ? '' : passed ? 'pass' : 'miss');
console.table(Object.fromEntries(figures.map((figure) => [figure.title, { measured: figure.measured, rounds: figure.rounds ?? '', bar: figure.bar ?? '', '': verdict(figure) }])));
process.exitCode = figures.every((figure) => figure.passed) ? 0 : 1;

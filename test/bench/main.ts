/** `npm run bench [-- name …]`: holds our speed against bare baselines on the machine it runs on. Exits with 1 when a bar is missed. */
import { openArena } from './arena.js';
import type { Figure, Scenario } from './bench.js';
import { campaignsCreate } from './campaigns-create.js';
import { campaignsList } from './campaigns-list.js';
import { deliveryAudience } from './delivery-audience.js';
import { deliverySending } from './delivery-sending.js';
import { hostileCriteria } from './hostile-criteria.js';
import { importing } from './import.js';
import { conclude, selected } from './report.js';
import { segments } from './segments.js';
import { webhooks } from './webhooks.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'campaigns-list': campaignsList, 'campaigns-create': campaignsCreate, 'hostile-criteria': hostileCriteria, segments, import: importing, 'delivery-audience': deliveryAudience, 'delivery-sending': deliverySending,
  webhooks,
};

const figures: Figure[] = [];
const arena = await openArena();
try {
  for (const [name, scenario] of selected(SCENARIOS)) {
    console.log(`${name} …`);
    for await (const figure of scenario(arena)) {
      figures.push(figure);
      console.log(`  ${figure.title}: ${figure.measured}`);
    }
  }
} finally {
  await arena.close();
}
conclude(figures);

/** `npm run scenarios [-- name …]`: what depends on time and on accidents, on a real system, each against its bar. Exits with 1 when one is missed. */
import type { Figure } from '#test/bench/bench';
import { conclude, selected } from '#test/bench/report';
import { openServer } from '#test/bench/stage';
import { acknowledgedWebhooks } from './acknowledged-webhooks.js';
import { busyProvider } from './busy-provider.js';
import { databaseRestart } from './database-restart.js';
import { dstNights } from './dst-nights.js';
import { hangingProvider } from './hanging-provider.js';
import { kills } from './kills.js';
import { lostReplies } from './lost-replies.js';
import { oneRun } from './one-run.js';
import { pauses } from './pauses.js';
import { poison } from './poison.js';
import { openScene, type Scenario } from './scene.js';
import { stopMidSend } from './stop-mid-send.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  kills, 'one-run': oneRun, 'lost-replies': lostReplies, 'busy-provider': busyProvider, 'hanging-provider': hangingProvider, 'database-restart': databaseRestart, poison, 'stop-mid-send': stopMidSend, pauses, 'dst-nights': dstNights,
  'acknowledged-webhooks': acknowledgedWebhooks,
};

const figures: Figure[] = [];
const server = await openServer({ shared_buffers: '256MB', max_connections: '200' });
try {
  for (const [name, scenario] of selected(SCENARIOS)) {
    const began = performance.now();
    console.log(`${name} …`);
    const closing: (() => Promise<void>)[] = [];
    try {
      for await (const figure of scenario(async (env) => {
        const scene = await openScene(server, env);
        closing.push(scene.close);
        return scene;
      })) {
        figures.push(figure);
        console.log(`  ${figure.title}: ${figure.measured}${figure.passed ? '' : '  MISS'}`);
      }
    } catch (error) {
      console.error(error);
      figures.push({ title: name, measured: error instanceof Error ? error.message : String(error), bar: 'comes to its end', passed: false });
    } finally {
      for (const close of closing) await close();
    }
    console.log(`  (${((performance.now() - began) / 1000).toFixed(0)} s)`);
  }
} finally {
  await server.discard();
}
conclude(figures);

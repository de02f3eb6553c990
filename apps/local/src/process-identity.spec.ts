import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { askPs, identifyProcess } from './process-identity.js';

/** Both ways of asking, wherever the test runs: a system without /proc has only the second. */
const ways = Object.entries({ identifyProcess, askPs });

test.each(ways)('%s tells who runs under a number, always in the same words', async (_, identify) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const [first, second] = [await identify(child.pid!), await identify(child.pid!)];
    expect(first?.command).toBe('sleep 60');
    expect(first).toEqual(second);
  } finally {
    child.kill();
  }
});

test.each(ways)('%s takes a zombie for dead', async (_, identify) => {
  // Nobody waits for the inner sleep, since what becomes its parent does not know of it; killed before that, the shell would.
  const parent = spawn('/bin/sh', ['-c', 'sleep 61 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const pid = Number(String((await once(parent.stdout, 'data'))[0]));
    const deadline = Date.now() + 5_000;
    while ((await identify(parent.pid!))?.command !== 'sleep 60' && Date.now() < deadline);
    process.kill(pid, 'SIGKILL');
    while ((await identify(pid)) && Date.now() < deadline);
    process.kill(pid, 0); // it still answers
    expect(await identify(pid)).toBeUndefined();
  } finally {
    parent.kill();
  }
});

test.each(ways)('%s knows nothing of a number that is free or none', async (_, identify) => {
  expect(await identify(2 ** 22 + 1)).toBeUndefined();
  expect(await identify(Number.NaN)).toBeUndefined();
});

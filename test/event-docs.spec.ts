import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { anyFreePort } from '#app/local/src/ports';
import { startApp, type TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { DOCUMENT } from './support/operations.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';

describe('the page for integrators', () => {
  let app: TestApp;
  let folder: string;
  let receiver: ChildProcess | undefined;
  beforeAll(async () => {
    app = await startApp({ worker: true, env: OPEN_ENV });
    folder = await mkdtemp(join(tmpdir(), 'receiver-'));
  });
  afterAll(async () => {
    receiver?.kill('SIGKILL');
    await Promise.all([app.close(), rm(folder, { recursive: true })]);
  });

  test('has a receiver that works as it stands, and takes nothing that is not ours', async () => {
    const page = await readFile('docs/event-subscriptions.md', 'utf8');
    await writeFile(join(folder, 'receiver.mjs'), /```js\n([\s\S]+?)```/.exec(page)![1]!);
    const url = `http://127.0.0.1:${await anyFreePort()}/`;
    const subscriber = await Subscriber.of(app, ['promo.redeemed'], { url });
    await subscriber.receiver.close();
    const lines: string[] = [];
    receiver = spawn(process.execPath, [join(folder, 'receiver.mjs')], { env: { PORT: new URL(url).port, WEBHOOK_SECRET: subscriber.receiver.secret }, stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(receiver.stdout!).on('line', (line) => lines.push(line));
    await eventually(async () => expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401));
    await subscriber.redeem('ann');
    const [attempt] = await eventually(async () => {
      const attempts = await subscriber.attempts('succeeded');
      expect(attempts).toHaveLength(1);
      return attempts;
    });
    await subscriber.retry(attempt!.id);
    await eventually(async () => expect(await subscriber.attempts('succeeded')).toHaveLength(2));
    expect(lines).toEqual([expect.stringMatching(/^promo\.redeemed \{.*"customer_id":"ann"/)]);
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)), 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` };
    expect((await fetch(url, { method: 'POST', body: '{}', headers })).status).toBe(401);
  });

  test('names the events that the document has, and no other', async () => {
    const page = await readFile('docs/event-subscriptions.md', 'utf8');
    const rows = page.split('\n').filter((line) => /^\| `\w+\.\w+`/.test(line)).map((line) => line.split('|')[1]!);
    const named = rows.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name!));
    expect(named.sort()).toEqual(Object.keys(DOCUMENT.webhooks).sort());
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { startProvider } from './support/provider.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';
import { TEST_SECRET } from './support/tokens.js';

describe('a worker that is killed while a receiver has not answered', () => {
  let app: TestApp;
  let worker: ChildProcess | undefined;
  beforeAll(async () => void (app = await startApp({ env: OPEN_ENV })));
  afterAll(async () => {
    worker?.kill('SIGKILL');
    await app.close();
  });

  test('loses nothing that was acknowledged: what was under way comes once more, under its id', async () => {
    const subscriber = await Subscriber.of(app, ['promo.redeemed']);
    subscriber.receiver.react = () => 'never answer';
    const env = { PATH: process.env.PATH, DATABASE_URL: await specDatabase(), WORKER_PORT: '0', JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32), LOG_LEVEL: 'fatal', ...OPEN_ENV };
    worker = spawn(process.execPath, ['dist/apps/worker/src/main.js'], { env, stdio: 'inherit' });
    const killed = once(worker, 'exit');
    await subscriber.redeem('ann');
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(1));
    worker.kill('SIGKILL');
    await killed;
    await subscriber.redeem('bob'); // of which no worker knows yet
    subscriber.receiver.react = () => 'take';

    const second = await startApp({ worker: true, env: OPEN_ENV }); // which sees that the other is gone, a minute before its lease ends
    try {
      const bodies = await subscriber.bodies(2);
      expect(bodies.map(({ data }) => data.customer_id).sort()).toEqual(['ann', 'bob']);
      const [first, ...others] = subscriber.receiver.posts;
      expect(others).toHaveLength(2);
      expect(others).toContain(first);
      expect((await subscriber.logged(2)).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    } finally {
      await second.close();
      await subscriber.receiver.close();
    }
  });
});

test('a worker that had to take another session keeps what is under way under that one', async () => {
  const worker = await startApp({ worker: true, env: OPEN_ENV });
  const thief = new pg.Client({ connectionString: await specDatabase() });
  await thief.connect();
  const subscriber = await Subscriber.of(worker, ['promo.redeemed']);
  const answers = { ann: Promise.withResolvers<void>(), bob: Promise.withResolvers<void>() };
  subscriber.receiver.react = async ({ body }) => {
    await answers[body.data.customer_id as keyof typeof answers].promise;
    return { status: 200 };
  };
  const lane = async () => (await worker.sql<{ session_no: number | null }>('SELECT session_no FROM event_subscription_lanes WHERE subscription_id = $1', [subscriber.id]))[0]!.session_no;
  try {
    await subscriber.redeem('ann');
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(1));
    await subscriber.redeem('bob');
    const first = (await lane())!;
    // Its lock goes to whoever waits for it, as to a backend whose connection hangs.
    const [lock] = await worker.sql<{ pid: number; classid: number }>(
      `SELECT pid, classid::int FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND objid = $1::int::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, [first]);
    const stolen = thief.query('SELECT pg_advisory_lock($1, $2)', [lock!.classid, first]);
    await eventually(async () => expect(await worker.sql(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1::int::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, [first])).toHaveLength(1));
    await worker.sql('SELECT pg_terminate_backend($1)', [lock!.pid]);
    await stolen;
    const another = await eventually(async () => {
      const rows = await worker.sql<{ session_no: number }>('SELECT session_no FROM worker_sessions WHERE session_no > $1', [first]);
      expect(rows).toHaveLength(1);
      return rows[0]!.session_no;
    });
    answers.ann.resolve();
    await eventually(() => expect(subscriber.receiver.posts).toHaveLength(2));
    expect(await lane()).toBe(another);
  } finally {
    for (const answer of Object.values(answers)) answer.resolve();
    await worker.close();
    await Promise.all([thief.end(), subscriber.receiver.close()]);
  }
}, 30_000);

test('a worker that is stopped hears what is under way first', async () => {
  const app = await startApp({ env: OPEN_ENV });
  const worker = await startApp({ worker: true, env: OPEN_ENV });
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = await startProvider(async () => {
    asked.resolve();
    await held.promise;
    return { status: 200 };
  });
  const subscriber = await Subscriber.of(app, ['promo.redeemed'], { url: slow.url });
  await subscriber.redeem('ann');
  await asked.promise;
  const closed = worker.close();
  held.resolve();
  await closed;
  expect(await subscriber.attempts()).toEqual([expect.objectContaining({ status: 'succeeded', message_status: 'succeeded' })]);
  await Promise.all([app.close(), slow.close(), subscriber.receiver.close()]);
}, 30_000);

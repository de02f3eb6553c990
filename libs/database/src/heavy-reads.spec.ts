import type { Env } from '#config';
import type { Tenant } from '#kernel';
import { HeavyReads } from './heavy-reads.js';

const tenant = (id: number): Tenant => ({ id, name: `t${id}` });

/** Work that goes on until it is let go; tells who is at it. */
function scene(pool: number) {
  const reads = new HeavyReads({ DATABASE_POOL: pool } as Env);
  const running: string[] = [];
  const start = (of: number, name: string) => {
    const gate = Promise.withResolvers<void>();
    const done = reads.run(tenant(of), async () => {
      running.push(name);
      await gate.promise;
      running.splice(running.indexOf(name), 1);
    });
    return { end: () => (gate.resolve(), done), done, fail: () => (gate.reject(new Error('broken')), done) };
  };
  return { running, start };
}

const settled = () => new Promise(setImmediate);

test('two of a tenant at once, in the order they came, and others beside them', async () => {
  const { running, start } = scene(10);
  const [one, two, three] = ['a1', 'a2', 'a3'].map((name) => start(1, name)) as [ReturnType<typeof start>, ReturnType<typeof start>, ReturnType<typeof start>];
  const other = start(2, 'b1');
  await settled();
  expect(running).toEqual(['a1', 'a2', 'b1']);
  await two.end();
  await settled();
  expect(running).toEqual(['a1', 'b1', 'a3']);
  await Promise.all([one.end(), three.end(), other.end()]);
  expect(running).toEqual([]);
});

test('no more than half of the connections, whoever asks', async () => {
  const { running, start } = scene(6);
  const all = Array.from({ length: 8 }, (_, n) => start(n, `t${n}`));
  await settled();
  expect(running).toEqual(['t0', 't1', 't2']);
  for (const one of all) await one.end();
  expect(running).toEqual([]);
});

test('a failure gives its turn back', async () => {
  const { running, start } = scene(2);
  const [one, two] = [start(1, 'a'), start(2, 'b')];
  await settled();
  await expect(one.fail()).rejects.toThrow('broken');
  await settled();
  expect(running.at(-1)).toBe('b');
  await two.end();
});

test('a tenant’s queue has an end, which turns away nobody else', async () => {
  const { start, running } = scene(10);
  const all = Array.from({ length: 102 }, () => start(1, 'x'));
  await settled();
  await expect(start(1, 'late').done).rejects.toMatchObject({ code: 'unavailable', context: { retryAfter: 5 } });
  const other = start(2, 'other');
  await settled();
  expect(running).toEqual(['x', 'x', 'other']);
  for (const one of all) await one.end();
  await other.end();
});

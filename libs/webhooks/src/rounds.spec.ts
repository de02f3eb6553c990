import { setImmediate as turn } from 'node:timers/promises';
import { Rounds } from './rounds.js';

const tenant = { id: 1, name: 'one' };
const MIB = 1024 * 1024;

/** Rounds that end when the test says so. */
function held() {
  const groups: number[][] = [];
  const ends: (() => void)[] = [];
  const rounds = new Rounds<number, string>(async (_tenant, works) => {
    groups.push(works);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (works.includes(13)) throw new Error('unlucky');
    if (works.includes(57)) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
    return works.map((work) => `done ${work}`);
  });
  const release = async (): Promise<void> => {
    ends.shift()!();
    await turn();
  };
  return { groups, rounds, release };
}

describe('rounds', () => {
  test('a lone caller goes at once; those who come meanwhile go together', async () => {
    const { groups, rounds, release } = held();
    const answers = [1, 2, 3, 4].map((work) => rounds.run(tenant, work, 1));
    expect(groups).toEqual([[1]]);
    await release();
    expect(groups).toEqual([[1], [2, 3, 4]]);
    await release();
    expect(await Promise.all(answers)).toEqual(['done 1', 'done 2', 'done 3', 'done 4']);
  });

  test('tenants do not wait for each other', () => {
    const { groups, rounds } = held();
    void rounds.run(tenant, 1, 1);
    void rounds.run({ id: 2, name: 'two' }, 2, 1);
    expect(groups).toEqual([[1], [2]]);
  });

  test('one that spoils a round fails alone', async () => {
    const { groups, rounds, release } = held();
    const answers = Promise.allSettled([1, 2, 13, 4].map((work) => rounds.run(tenant, work, 1)));
    for (let i = 0; i < 5; i++) await release();
    expect(groups).toEqual([[1], [2, 13, 4], [2], [13], [4]]);
    expect((await answers).map((answer) => answer.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  test('where the database is away, nobody is tried alone', async () => {
    const { groups, rounds, release } = held();
    const answers = Promise.allSettled([1, 2, 57, 4].map((work) => rounds.run(tenant, work, 1)));
    for (let i = 0; i < 2; i++) await release();
    expect(groups).toEqual([[1], [2, 57, 4]]);
    expect((await answers).map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  });

  test('a round is bounded in bytes, and so is what waits', async () => {
    const { groups, rounds, release } = held();
    const answers = [1, 2, 3, 4, 5].map((work) => rounds.run(tenant, work, 10 * MIB));
    void Promise.allSettled(answers);
    await expect(rounds.run(tenant, 6, 15 * MIB)).rejects.toMatchObject({ code: 'unavailable', context: { retryAfter: 1 } });
    for (let i = 0; i < 5; i++) await release();
    expect(groups).toEqual([[1], [2], [3], [4], [5]]);
    await Promise.all(answers);
    void rounds.run(tenant, 7, 60 * MIB);
    expect(groups.at(-1)).toEqual([7]);
  });
});

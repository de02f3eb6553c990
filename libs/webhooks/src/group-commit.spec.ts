import { setImmediate as turn } from 'node:timers/promises';
import { GroupCommit } from './group-commit.js';

const tenant = { id: 1, name: 'one' };
const MIB = 1024 * 1024;

/** Commits that end when the test says so. */
function held() {
  const groups: number[][] = [];
  const ends: (() => void)[] = [];
  const commits = new GroupCommit<number, string>(async (_tenant, works) => {
    groups.push(works);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (works.includes(13)) throw new Error('unlucky');
    return works.map((work) => `done ${work}`);
  });
  const release = async (): Promise<void> => {
    ends.shift()!();
    await turn();
  };
  return { groups, commits, release };
}

describe('group commit', () => {
  test('a lone caller goes at once; those who come meanwhile go together', async () => {
    const { groups, commits, release } = held();
    const answers = [1, 2, 3, 4].map((work) => commits.run(tenant, work, 1));
    expect(groups).toEqual([[1]]);
    await release();
    expect(groups).toEqual([[1], [2, 3, 4]]);
    await release();
    expect(await Promise.all(answers)).toEqual(['done 1', 'done 2', 'done 3', 'done 4']);
  });

  test('tenants do not wait for each other', () => {
    const { groups, commits } = held();
    void commits.run(tenant, 1, 1);
    void commits.run({ id: 2, name: 'two' }, 2, 1);
    expect(groups).toEqual([[1], [2]]);
  });

  test('one that spoils a group fails alone', async () => {
    const { groups, commits, release } = held();
    const answers = Promise.allSettled([1, 2, 13, 4].map((work) => commits.run(tenant, work, 1)));
    for (let i = 0; i < 5; i++) await release();
    expect(groups).toEqual([[1], [2, 13, 4], [2], [13], [4]]);
    expect((await answers).map((answer) => answer.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  test('a group is bounded in bytes, and so is what waits', async () => {
    const { groups, commits, release } = held();
    const answers = [1, 2, 3, 4, 5].map((work) => commits.run(tenant, work, 10 * MIB));
    void Promise.allSettled(answers);
    await expect(commits.run(tenant, 6, 15 * MIB)).rejects.toMatchObject({ code: 'unavailable', context: { retryAfter: 1 } });
    for (let i = 0; i < 5; i++) await release();
    expect(groups).toEqual([[1], [2], [3], [4], [5]]);
    await Promise.all(answers);
    void commits.run(tenant, 7, 60 * MIB);
    expect(groups.at(-1)).toEqual([7]);
  });
});

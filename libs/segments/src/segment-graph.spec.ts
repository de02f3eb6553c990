import fc from 'fast-check';
import { levels } from './segment-graph.js';

test('each segment stands once, above all that it refers to', () => {
  const edges = fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 40 });
  fc.assert(fc.property(edges, (pairs) => {
    const graph = new Map(Array.from({ length: 13 }, (_, no) => [no, pairs.filter(([a, b]) => a === no && b < no).map(([, b]) => b)]));
    const found = levels(graph);
    const levelOf = new Map(found.flatMap((level, height) => level.map((no) => [no, height] as const)));
    expect(found.flat().sort((a, b) => a - b)).toEqual([...graph.keys()]);
    for (const [no, others] of graph) for (const other of others) expect(levelOf.get(other)).toBeLessThan(levelOf.get(no)!);
  }));
});

test('a cycle, which is refused when it would be saved, does not hang', () => {
  expect(levels(new Map([[1, [2]], [2, [1, 9]], [3, [3]]])).flat().sort()).toEqual([1, 2, 3]);
});

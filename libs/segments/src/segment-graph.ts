/** The segments that each segment refers to, as numbers. */
export type Graph = ReadonlyMap<number, readonly number[]>;

/**
 * The segments in levels, each after the levels of those it refers to: within one, none waits for another. Cycles are refused when
 * criteria are saved; were there one, its members would still come out once each.
 */
export function levels(graph: Graph): number[][] {
  const heights = new Map<number, number>();
  const height = (no: number, path: ReadonlySet<number>): number => {
    const known = heights.get(no);
    if (known !== undefined) return known;
    const below = graph.get(no)!.filter((other) => graph.has(other) && !path.has(other));
    const found = 1 + Math.max(-1, ...below.map((other) => height(other, new Set(path).add(other))));
    heights.set(no, found);
    return found;
  };
  const found: number[][] = [];
  for (const no of graph.keys()) (found[height(no, new Set([no]))] ??= []).push(no);
  return found;
}

/** The segments that follow when the given one moves, at any distance; itself only when it is in a cycle. */
export function dependents(graph: Graph, no: number): Set<number> {
  const found = new Set<number>();
  for (const moved = [no]; moved.length > 0; ) {
    const next = moved.pop()!;
    for (const [other, refersTo] of graph) {
      if (!refersTo.includes(next) || found.has(other)) continue;
      found.add(other);
      moved.push(other);
    }
  }
  return found;
}

/** The segments that each segment refers to, as numbers. */
export type Graph = ReadonlyMap<number, readonly number[]>;

/** Every segment after those it refers to. Cycles are refused when criteria are saved; were there one, its members would still come out once each. */
export function inOrder(graph: Graph): number[] {
  const done = new Set<number>();
  const visit = (no: number, path: Set<number>): void => {
    if (done.has(no) || path.has(no) || !graph.has(no)) return;
    for (const other of graph.get(no)!) visit(other, new Set(path).add(no));
    done.add(no);
  };
  for (const no of graph.keys()) visit(no, new Set());
  return [...done];
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

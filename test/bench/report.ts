import type { Figure } from './bench.js';

/** The scenarios that the command line names, or all; `segments` also names those that begin with `segments-`. Exits with 2 when it names one that there is not. */
export function selected<Scenario>(scenarios: Readonly<Record<string, Scenario>>): [string, Scenario][] {
  const wanted = process.argv.slice(2);
  const isNamed = (name: string, by: string): boolean => name === by || name.startsWith(`${by}-`);
  const unknown = wanted.filter((by) => !Object.keys(scenarios).some((name) => isNamed(name, by)));
  if (unknown.length > 0) {
    console.error(`There is no ${unknown.join(', ')}; there are: ${Object.keys(scenarios).join(', ')}`);
    process.exit(2);
  }
  return Object.entries(scenarios).filter(([name]) => wanted.length === 0 || wanted.some((by) => isNamed(name, by)));
}

/** The table of all figures, and the exit code. */
export function conclude(figures: readonly Figure[]): void {
  const verdict = ({ bar, passed }: Figure): string => (bar === null ? '' : passed ? 'pass' : 'miss');
  console.table(Object.fromEntries(figures.map((figure) => [figure.title, { measured: figure.measured, rounds: figure.rounds ?? '', bar: figure.bar ?? '', '': verdict(figure) }])));
  process.exitCode = figures.every((figure) => figure.passed) ? 0 : 1;
}

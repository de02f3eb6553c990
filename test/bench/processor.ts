import { existsSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever the machine (`sysconf(_SC_CLK_TCK)`). */
const TICK_MS = 10;

/** Milliseconds of processor time that the process has used; null where the kernel does not tell. It says more than a clock on a machine that does other things, too. */
export function processorTime(pid: number): number | null {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return null;
  const [user, system] = readFileSync(path, 'utf8').replace(/^.*\) /s, '').split(' ').slice(11, 13) as [string, string];
  return (Number(user) + Number(system)) * TICK_MS;
}

import { existsSync, readFileSync } from 'node:fs';

/** Megabytes that the process held at the most, ever; null where the kernel does not tell. */
export function mostMemory(pid: number): number | null {
  const path = `/proc/${pid}/status`;
  const kilobytes = existsSync(path) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  return kilobytes === undefined ? null : (Number(kilobytes) * 1024) / 1e6;
}

import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { discardPostgres, startPostgres, type RunningPostgres } from './embedded-postgres.js';

/** A throwaway cluster need not survive a power cut. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * A PostgreSQL for one run of the tests: a new cluster in the system's temp folder, which `stop` deletes.
 * Removes what killed runs left behind on the way, which may include a running server.
 * @param name identifies the kind of run: only folders with this name are swept
 */
export async function startThrowawayPostgres(
  name: string,
  { settings = {}, log = () => undefined }: { settings?: Record<string, string | number>; log?(line: string): void } = {},
): Promise<Omit<RunningPostgres, 'discard'>> {
  await sweep(name);
  const dataDir = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(dataDir, 0o711); // under root, another OS user has to pass through
  const { discard, ...running } = await startPostgres({ dataDir, settings: { ...CARELESS, ...settings }, log });
  const stop = async () => {
    await discard();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...running, stop };
}

async function sweep(name: string): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const dataDir = join(tmpdir(), entry);
    if (!entry.startsWith(`${name}-`) || !(await isLeft(dataDir))) continue;
    await discardPostgres(dataDir).then(
      () => rm(dataDir, { recursive: true, force: true }),
      () => undefined, // its run is still alive
    );
  }
}

/** Whether the folder is ours and not a link that somebody put into the shared temp folder, and not of a new run that has yet to claim it. */
async function isLeft(dataDir: string): Promise<boolean> {
  const found = await lstat(dataDir).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && Date.now() - found.mtimeMs > 60_000;
}

import { randomUUID } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';

/*
 * Small files that exist with all their content or not at all, whatever is killed at whatever moment.
 * All are readable only by their owner: they hold passwords and claims.
 */

/**
 * Creates the file unless it exists; returns whether it did. Of several callers exactly one succeeds.
 * link(2) rather than the `wx` flag, which would let others read the file before it is written.
 */
export async function createWhole(path: string, content: string): Promise<boolean> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Replaces the file's content. */
export async function replaceWhole(path: string, content: string): Promise<void> {
  await rename(await writeDraft(path, content), path);
}

async function writeDraft(path: string, content: string): Promise<string> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content, { mode: 0o600, flag: 'wx' });
  return draft;
}

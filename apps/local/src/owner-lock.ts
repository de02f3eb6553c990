import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess } from './process-identity.js';
import { createWhole } from './whole-file.js';

interface Claim {
  pid: number;
  startedAt: string;
}

/**
 * Makes this process the only owner of a folder until `release` is called or the process ends, however it ends:
 * the claim names its holder by pid and start time, so a pid that another process has got since does not count.
 * @throws when a living process owns the folder, this one included.
 */
export async function takeOwnership(folder: string): Promise<{ release(): Promise<void> }> {
  const file = join(folder, 'owner.json');
  const self = await identifyProcess(process.pid);
  const claim = JSON.stringify({ pid: process.pid, startedAt: self?.startedAt });

  while (!(await createWhole(file, claim))) {
    const found = await read(file);
    const holder = parse(found);
    if (holder && (await identifyProcess(holder.pid))?.startedAt === holder.startedAt) {
      throw new Error(
        `${folder} is in use by process ${holder.pid}. Stop that one first, or give this one a DATA_DIR of its own.`,
      );
    }
    await putAside(file, found);
  }
  return {
    release: async () => {
      if ((await read(file)) === claim) await rm(file, { force: true });
    },
  };
}

/** Removes a dead owner's claim. If another starter was quicker and the claim is already its own, it is put back. */
async function putAside(file: string, dead: string | undefined): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    if ((await read(aside)) !== dead) await link(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function parse(claim: string | undefined): Claim | undefined {
  try {
    return claim ? (JSON.parse(claim) as Claim) : undefined;
  } catch {
    return undefined;
  }
}

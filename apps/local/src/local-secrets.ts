import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createWhole } from './whole-file.js';

export interface LocalSecrets {
  JWT_SECRET: string;
  SECRETS_KEY: string;
}

/** The keys of a local deployment: created at the first start and kept in DATA_DIR, readable only by their owner. */
export async function localSecrets(dataDir: string): Promise<LocalSecrets> {
  const file = join(dataDir, 'secrets.json');
  await mkdir(dataDir, { recursive: true });
  await createWhole(file, JSON.stringify({ JWT_SECRET: randomBytes(32).toString('base64url'), SECRETS_KEY: randomBytes(32).toString('hex') }));
  return JSON.parse(await readFile(file, 'utf8')) as LocalSecrets;
}
